/**
 * A stand-in for WebGPU's device that takes every call, holds nothing and computes nothing: what runs on it leaves its bytes in
 * the ledger and is done in a moment. Reads give zeros. Only what this layer calls is there.
 *
 * @param limits the limits of the adapter that is stood in for
 */
export function countingGpu(limits: GPUSupportedLimits): GPUDevice {
  const nothing = () => {};
  const pass = {
    setPipeline: nothing,
    setBindGroup: nothing,
    dispatchWorkgroups: nothing,
    dispatchWorkgroupsIndirect: nothing,
    end: nothing,
  };
  const encoder = {
    beginComputePass: () => pass,
    copyBufferToBuffer: nothing,
    copyBufferToTexture: nothing,
    clearBuffer: nothing,
    resolveQuerySet: nothing,
    finish: () => ({}),
  };
  const handle = () => ({});
  const device = {
    limits,
    lost: new Promise(nothing),
    queue: { writeBuffer: nothing, submit: nothing, onSubmittedWorkDone: () => Promise.resolve() },
    addEventListener: nothing,
    pushErrorScope: nothing,
    popErrorScope: () => Promise.resolve(null),
    createBuffer: ({ size }: { size: number }) => ({
      size,
      destroy: nothing,
      mapAsync: () => Promise.resolve(),
      getMappedRange: () => new ArrayBuffer(size),
      unmap: nothing,
    }),
    createTexture: () => ({ createView: handle, destroy: nothing }),
    createQuerySet: () => ({ destroy: nothing }),
    createShaderModule: handle,
    createPipelineLayout: handle,
    createBindGroupLayout: handle,
    createBindGroup: handle,
    createComputePipeline: handle,
    createCommandEncoder: () => encoder,
    destroy: nothing,
  };
  return device as unknown as GPUDevice;
}
