namespace Ciuic.Snapshots;

/// <summary>A tensor that is to be read whole.</summary>
/// <param name="Tensor">The tensor.</param>
/// <param name="Copy">Takes its bytes in pieces, offset within the tensor and bytes: in any order, and from several threads at once.</param>
public readonly record struct TensorRead(SavedTensor Tensor, Action<long, ReadOnlyMemory<byte>> Copy);
