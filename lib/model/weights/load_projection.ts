import type { Device } from "../../gpu/mod.ts";
import { type DType, Tensor } from "../../tensor/mod.ts";
import type { LoadPlace } from "./load_tensor.ts";
import { type Projection, SeparateProjection, StackedProjection, stacksProjections } from "../decoder/projection.ts";
import type { LinearOf, MapsOf, WantedTensor } from "./weight_plan.ts";

/** A projection whose tensors arrive one by one, in any order. */
export class ArrivingProjection implements Disposable {
  readonly #device: Device;
  readonly #maps: readonly LinearOf<WantedTensor>[];
  readonly #type: DType;
  readonly #stacked: boolean;
  readonly #arrived = new Map<WantedTensor, Tensor>();
  #weight: Tensor | undefined;
  #bias: Tensor | undefined;

  /** Matrices are stacked where the device takes them so. */
  constructor(device: Device, { maps }: MapsOf<WantedTensor>, type: DType) {
    this.#device = device;
    this.#maps = maps;
    this.#type = type;
    this.#stacked = stacksProjections(device);
  }

  /** The tensors that are still to come. */
  get wanted(): WantedTensor[] {
    return this.#maps.flatMap(({ weight, bias }) => bias ? [weight, bias] : [weight]);
  }

  /** Where one of them goes. */
  place(tensor: WantedTensor): LoadPlace {
    const isMatrix = tensor.shape.length === 2;
    if (!this.#stacked) return { transposed: isMatrix };
    const columns = this.#columns;
    const [all, inputs] = [columns.reduce((sum, count) => sum + count, 0), this.#maps[0].weight.shape[1]];
    const into = isMatrix
      ? this.#weight ??= Tensor.empty(this.#device, [all, inputs], this.#type, "weights")
      : this.#bias ??= Tensor.empty(this.#device, [all], "f32", "weights");
    const index = this.#maps.findIndex(({ weight, bias }) => weight === tensor || bias === tensor);
    return { into, firstRow: columns.slice(0, index).reduce((sum, count) => sum + count, 0) };
  }

  /** Takes over what was loaded for one of them, unless it went into a place of the projection's own. */
  arrive(tensor: WantedTensor, loaded: Tensor): void {
    if (!this.#stacked) this.#arrived.set(tensor, loaded);
  }

  /** The projection, once all have come; it owns them then. */
  finish(): Projection {
    const [weight, bias] = [this.#weight, this.#bias];
    const arrived = (wanted: WantedTensor) => this.#arrived.get(wanted)!;
    const projection = weight
      ? new StackedProjection(this.#columns, weight, bias)
      : new SeparateProjection(this.#maps.map(({ weight, bias }) => {
        return { weight: arrived(weight), ...(bias && { bias: arrived(bias) }) };
      }));
    this.#weight = this.#bias = undefined;
    this.#arrived.clear();
    return projection;
  }

  /** Frees what has come so far, unless a projection owns it. */
  [Symbol.dispose](): void {
    for (const tensor of [this.#weight, this.#bias, ...this.#arrived.values()]) tensor?.[Symbol.dispose]();
  }

  get #columns(): number[] {
    return this.#maps.map(({ weight: { shape, rows } }) => rows?.count ?? shape[0]);
  }
}
