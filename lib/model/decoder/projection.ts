import type { Device, KernelOption } from "../../gpu/mod.ts";
import { add, gatedLinear, linear, matmul, MatrixImage, rmsNorm, siluGate, type Tensor } from "../../tensor/mod.ts";

/** An RMS norm of rows. */
export interface RowNorm {
  /** f32 [channels]. */
  readonly weight: Tensor;
  /** Added to the mean square. */
  readonly epsilon: number;
}

/** Forms of linear maps: those of a layer's same rows stacked in one tensor, or each on its own. */
const projectionForms: readonly KernelOption[] = [{ name: "stacked" }, { name: "separate" }];

/** Whether a device takes linear maps stacked. */
export function stacksProjections({ choices, info }: Device): boolean {
  const [stacked, separate] = projectionForms;
  return choices.of("projections", projectionForms, info.software ? separate : stacked) === stacked;
}

/** Linear maps of the same rows, their weights in the form that the device multiplies fastest. Disposing frees them. */
export interface Projection extends Disposable {
  /** Outputs of each map. */
  readonly columns: readonly number[];
  /** Each map of x f32 [rows, inputs], normed first where a norm is given: f32 [rows, columns[i]]. */
  project(x: Tensor, norm?: RowNorm): Tensor[];
  /** Of two maps: silu of the first times the second, of normed rows. */
  gate(x: Tensor, norm: RowNorm): Tensor;
  /** Of a single map: its result and a residual, added. */
  projectOnto(residual: Tensor, x: Tensor): Tensor;
}

/** Maps whose matrices [outputs, inputs] lie one after the other in one tensor: for GPUs, which take them in one call. */
export class StackedProjection implements Projection {
  readonly columns: readonly number[];
  readonly #weight: Tensor;
  readonly #bias: Tensor | undefined;

  /** Takes the tensors over: weight [all outputs, inputs] and bias [all outputs]. */
  constructor(columns: readonly number[], weight: Tensor, bias?: Tensor) {
    this.columns = columns;
    this.#weight = weight;
    this.#bias = bias;
  }

  /** Each map of x. */
  project(x: Tensor, norm?: RowNorm): Tensor[] {
    return linear(x, this.#weight, this.columns, { norm, bias: this.#bias });
  }

  /** Silu of the first map times the second. */
  gate(x: Tensor, norm: RowNorm): Tensor {
    return gatedLinear(x, this.#weight, { norm, bias: this.#bias });
  }

  /** The map's result and a residual. */
  projectOnto(residual: Tensor, x: Tensor): Tensor {
    return linear(x, this.#weight, this.columns, { residual, bias: this.#bias })[0];
  }

  /** Frees the weights. */
  [Symbol.dispose](): void {
    this.#weight[Symbol.dispose]();
    this.#bias?.[Symbol.dispose]();
  }
}

/** Maps with a matrix [inputs, outputs] each, as images where those are multiplied faster: for software adapters. */
export class SeparateProjection implements Projection {
  readonly columns: readonly number[];
  readonly #maps: readonly SeparateMap[];

  /** Takes the tensors over: weights [inputs, outputs] and biases [outputs]. */
  constructor(maps: readonly { readonly weight: Tensor; readonly bias?: Tensor }[]) {
    this.columns = maps.map(({ weight }) => weight.shape[1]);
    this.#maps = maps.map(({ weight, bias }) => ({ weight: heldFastest(weight), bias }));
  }

  /** Each map of x. */
  project(x: Tensor, norm?: RowNorm): Tensor[] {
    using normed = norm ? rmsNorm(x, norm.weight, norm.epsilon) : x.share();
    return this.#maps.map((map) => apply(normed, map));
  }

  /** Silu of the first map times the second. */
  gate(x: Tensor, norm: RowNorm): Tensor {
    const [gate, up] = this.project(x, norm);
    using _gate = gate;
    using _up = up;
    return siluGate(gate, up);
  }

  /** The map's result and a residual. */
  projectOnto(residual: Tensor, x: Tensor): Tensor {
    using result = this.project(x)[0];
    return add(residual, result);
  }

  /** Frees the weights. */
  [Symbol.dispose](): void {
    for (const { weight, bias } of this.#maps) {
      weight[Symbol.dispose]();
      bias?.[Symbol.dispose]();
    }
  }
}

interface SeparateMap {
  readonly weight: Tensor | MatrixImage;
  readonly bias?: Tensor;
}

function apply(x: Tensor, { weight, bias }: SeparateMap): Tensor {
  if (!bias) return matmul(x, weight);
  using product = matmul(x, weight);
  return add(product, bias);
}

/** The weight as it is multiplied fastest; takes the tensor over. */
function heldFastest(tensor: Tensor): Tensor | MatrixImage {
  const [rows, columns] = tensor.shape;
  // What is multiplied with it must be an image too, as wide as the weight has rows.
  const pays = tensor.dtype === "f32" && MatrixImage.pays(tensor.device, rows, columns) &&
    MatrixImage.pays(tensor.device, 1, rows);
  if (!pays) return tensor;
  using _copied = tensor;
  return MatrixImage.copy(tensor, "weights");
}
