// One volume in WebGL2: three planes with a crosshair, or the volume itself.
import { DRAG_MODE, Niivue, NVImage, SLICE_TYPE } from "./niivue.js";

const MODES = {
  axial: SLICE_TYPE.AXIAL,
  coronal: SLICE_TYPE.CORONAL,
  sagittal: SLICE_TYPE.SAGITTAL,
  render: SLICE_TYPE.RENDER,
};
const { AXIAL, CORONAL, SAGITTAL } = SLICE_TYPE;
// Beside others a panel is narrow: the axial plane takes the upper half.
const NARROW = [
  { sliceType: AXIAL, position: [0, 0, 1, 0.58] },
  { sliceType: CORONAL, position: [0, 0.59, 0.49, 0.41] },
  { sliceType: SAGITTAL, position: [0.51, 0.59, 0.49, 0.41] },
];
// Alone it is wide: the axial plane takes the left half.
const WIDE = [
  { sliceType: AXIAL, position: [0, 0, 0.495, 1] },
  { sliceType: CORONAL, position: [0.505, 0, 0.24, 0.495] },
  { sliceType: SAGITTAL, position: [0.755, 0, 0.245, 0.495] },
  { sliceType: SLICE_TYPE.RENDER, position: [0.505, 0.505, 0.495, 0.495] },
];
// Without a graphics card a 3D picture takes seconds, so that it is made when it is asked for alone.
const PLAIN = [
  { sliceType: AXIAL, position: [0, 0, 0.595, 1] },
  { sliceType: CORONAL, position: [0.605, 0, 0.395, 0.495] },
  { sliceType: SAGITTAL, position: [0.605, 0.505, 0.395, 0.495] },
];
// Of the field of view, in percent: a line of one or two pixels.
const THIN = { narrow: 0.45, wide: 0.25 };
// In 3D what is darker would hide the body: air in CT, noise around the head in MR.
const AIR_HU = -400, NOISE = 0.12;
// Cut from the front, so that the inside is seen.
const FRONT = [155, 12];
const CUT = [0, 180, 0], WHOLE = [2, 0, 0];

// One picture for all that changes at once.
function drawOnce(nv) {
  const draw = nv.drawScene.bind(nv);
  let asked = false;
  nv.drawScene = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}

// Whether WebGL2 is computed by the processor.
export function isSlow() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const names = gl.getExtension("WEBGL_debug_renderer_info");
  const name = gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER);
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software/i.test(String(name));
}

export class Panel {
  // onPlace: told where the crosshair is, as parts of the field of view to the right, front, head.
  constructor(screen, { onPlace, onRead, onTurn }) {
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = -1;
    screen.append(this.canvas);
    this.onPlace = onPlace;
    this.onRead = onRead;
    this.quiet = false;
    this.about = null;
    this.mode = "all";
    this.narrow = false;
    this.cut = true;
    this.window = null;
    this.nv = new Niivue({
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.35, 0.65, 1, 0.75],
      crosshairWidth: THIN.wide,
      crosshairGap: 4,
      crosshairWidthUnit: "percent",
      fontColor: [1, 0.86, 0.45, 1],
      fontSizeScaling: 0.4,
      fontMinPx: 17,
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      isOrientationTextVisible: true,
      showAllOrientationMarkers: true,
      isCornerOrientationText: false,
      show3Dcrosshair: false,
      clipPlaneColor: [0, 0, 0, 0],
      dragMode: DRAG_MODE.windowing,
      dragAndDropEnabled: false,
      clipPlaneHotKey: "",
      cycleClipPlaneHotKey: "",
      viewModeHotKey: "",
      loadingText: "",
      logLevel: "error",
      isForceMouseClickToVoxelCenters: true,
    });
    this.nv.onLocationChange = (found) => this.moved(found);
    this.nv.onAzimuthElevationChange = (azimuth, elevation) => {
      if (!this.quiet) onTurn?.(azimuth, elevation);
    };
    this.crosshair = true;
    this.isSlow = isSlow();
    drawOnce(this.nv);
    this.ready = this.nv.attachToCanvas(this.canvas).then(() => {
      this.quietly(() => this.nv.setRenderAzimuthElevation(...FRONT));
      this.nv.setScale(1.3);
    });
  }

  async show(about) {
    await this.ready;
    const response = await fetch(`/nifti/${about.id}.nii`);
    if (!response.ok) throw new Error(`the volume did not come (${response.status})`);
    const buffer = await response.arrayBuffer();
    const [{ low, high }] = about.windows;
    const image = await NVImage.loadFromUrl({
      url: `/nifti/${about.id}.nii`, name: "volume.nii", buffer,
      colormap: "gray", cal_min: low, cal_max: high, trustCalMinMax: true,
    });
    const place = this.about ? [...this.nv.scene.crosshairPos] : [0.5, 0.5, 0.5];
    for (const old of [...this.nv.volumes]) this.nv.removeVolume(old);
    this.about = about;
    this.window = [low, high];
    this.nv.addVolume(image);
    this.setMode(this.mode, this.narrow);
    this.setPlace(place);
  }

  clear() {
    for (const old of [...this.nv.volumes]) this.nv.removeVolume(old);
    this.about = null;
  }

  moved(found) {
    if (!this.about) return;
    const [value] = found.values ?? [];
    this.onRead({ value: value?.value, mm: [...found.mm].slice(0, 3), vox: [...(found.vox ?? [])] });
    if (!this.quiet) this.onPlace([...this.nv.scene.crosshairPos]);
  }

  quietly(change) {
    this.quiet = true;
    try {
      change();
    } finally {
      this.quiet = false;
    }
  }

  get place() {
    return [...this.nv.scene.crosshairPos];
  }

  setPlace(place) {
    if (!this.about) return;
    this.quietly(() => {
      this.nv.scene.crosshairPos = new Float32Array(place);
      this.nv.createOnLocationChange();
      this.nv.drawScene();
    });
  }

  setTurn(azimuth, elevation) {
    if (this.about) this.quietly(() => this.nv.setRenderAzimuthElevation(azimuth, elevation));
  }

  setWindow(low, high) {
    if (!this.about) return;
    const [image] = this.nv.volumes;
    this.window = [low, high];
    let darkest = low;
    if (this.mode === "render") {
      darkest = this.about.unit === "HU" ? Math.max(low, AIR_HU) : low + NOISE * (high - low);
    }
    if (image.cal_min === darkest && image.cal_max === high) return;
    [image.cal_min, image.cal_max] = [darkest, high];
    this.nv.updateGLVolume();
  }

  setMode(mode, narrow) {
    [this.mode, this.narrow] = [mode, narrow];
    if (!this.about) return;
    if (mode === "all") this.nv.setCustomLayout(narrow ? NARROW : this.isSlow ? PLAIN : WIDE);
    else this.nv.clearCustomLayout();
    this.nv.setSliceType(mode === "all" ? SLICE_TYPE.MULTIPLANAR : MODES[mode]);
    this.setWindow(...this.window);
    this.setCut(this.cut);
    this.setCrosshair(this.crosshair);
  }

  setCut(cut) {
    this.cut = cut;
    if (this.about) this.nv.setClipPlane(cut ? CUT : WHOLE);
  }

  setCrosshair(shown) {
    this.crosshair = shown;
    if (this.about) this.nv.setCrosshairWidth(shown ? (this.narrow ? THIN.narrow : THIN.wide) : 0);
  }

  step(axis, count) {
    const by = [0, 0, 0];
    by[axis] = count;
    this.nv.moveCrosshairInVox(...by);
  }
}
