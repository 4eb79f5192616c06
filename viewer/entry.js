// What the pages use of NiiVue; the rest is left out of the bundle where it can be.
export { DRAG_MODE, MULTIPLANAR_TYPE, Niivue, NVImage, SHOW_RENDER, SLICE_TYPE } from "@niivue/niivue";
