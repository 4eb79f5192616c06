// Stands in for zarrita: the viewer serves NIfTI alone, and Zarr would bring code that fetches.
const refuse = () => {
  throw new Error("Zarr is not part of this viewer");
};
export class FetchStore {
  constructor() {
    refuse();
  }
}
export const root = refuse;
export const open = refuse;
export const get = refuse;
export const slice = refuse;
export const registry = new Map();
