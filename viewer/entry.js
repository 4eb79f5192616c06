// What the pages use of NiiVue; the rest is left out of the bundle where it can be.
export { DRAG_MODE, Niivue, NVImage, SLICE_TYPE } from "@niivue/niivue";
