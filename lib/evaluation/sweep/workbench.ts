import { Device, DeviceLostError } from "../../gpu/mod.ts";
import { loadModel, type Model, modelFingerprint } from "../../model/mod.ts";
import { describeEnvironment } from "./environment.ts";
import type { Environment } from "./record.ts";

/** What trials run on: one device, opened at the first trial, and one model, kept while trials ask for the same. */
export class Workbench {
  #device: Device | undefined;
  #environment: Environment | undefined;
  #model: { name: string; model: Model; fingerprint: string } | undefined;
  readonly #lent: boolean;

  /** With a device given, it stays its owner's. */
  constructor(device?: Device) {
    this.#device = device;
    this.#lent = device !== undefined;
  }

  /** The device. */
  async device(): Promise<Device> {
    return this.#device ??= await Device.open();
  }

  /** A model on the device; the one before is given up where it is another. */
  async model(name: string): Promise<Model> {
    return (await this.#loaded(name)).model;
  }

  /** What a model is, whatever it is called. */
  async fingerprint(name: string): Promise<string> {
    return (await this.#loaded(name)).fingerprint;
  }

  /** What it all is. */
  async environment(): Promise<Environment> {
    return this.#environment ??= await describeEnvironment((await this.device()).info);
  }

  /** After an error that took the device away: the next trial opens another. A lent device can't be opened anew. */
  recover(error: unknown): void {
    if (!(error instanceof DeviceLostError)) return;
    if (this.#lent) throw error;
    this[Symbol.dispose]();
  }

  /** Gives up model and device. */
  [Symbol.dispose](): void {
    this.#dropModel();
    if (!this.#lent) this.#device?.[Symbol.dispose]();
    if (!this.#lent) this.#device = undefined;
  }

  async #loaded(name: string) {
    if (this.#model?.name === name) return this.#model;
    this.#dropModel();
    const model = await loadModel(name, { device: await this.device() });
    return this.#model = { name, model, fingerprint: await modelFingerprint(name) };
  }

  #dropModel(): void {
    this.#model?.model[Symbol.dispose]();
    this.#model = undefined;
  }
}
