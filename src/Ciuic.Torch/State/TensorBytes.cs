using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;
using TorchSharp;

namespace Ciuic.Torch;

/// <summary>Bytes of tensors, in and out. Row-major, little-endian, whatever the tensor's strides or device.</summary>
internal static class TensorBytes
{
    /// <summary>
    /// A stretch of a tensor's bytes. Views are made by narrow, because one span cannot reach beyond 2 GiB. Call
    /// within a dispose scope; a tensor on another device or with gaps is copied once.
    /// </summary>
    public static Span<byte> Slice(torch.Tensor tensor, long offset, int length)
    {
        if (length == 0)
            return [];
        using var _ = torch.no_grad();
        if (tensor.device_type == DeviceType.CPU && tensor.is_contiguous() && tensor.NumberOfElements * tensor.ElementSize <= int.MaxValue)
            return tensor.bytes.Slice((int)offset, length); // where it lies, in a call or two
        var flat = (tensor.is_contiguous() ? tensor.detach() : tensor.detach().cpu().contiguous()).view(-1);
        var size = flat.ElementSize;
        return flat.narrow(0, offset / size, length / size).cpu().bytes; // of another device's memory, this stretch only
    }

    /// <summary>Puts a saved tensor's bytes, or those of a part of it, into a live one of the same type and shape.</summary>
    public static void Restore(SavedItem saved, string name, TensorSlice? slice, torch.Tensor target)
    {
        using var scope = torch.NewDisposeScope();
        using var _ = torch.no_grad();
        var live = target.detach();
        var inPlace = live.device_type == DeviceType.CPU && live.is_contiguous();
        var flat = (inPlace ? live : torch.empty(live.shape, live.dtype)).view(-1);
        saved.ReadTensor(name, slice, (offset, bytes) => bytes.Span.CopyTo(Slice(flat, offset, bytes.Length)));
        if (!inPlace)
            live.copy_(flat.view(live.shape));
    }

    /// <summary>How a saved tensor differs from a live one, or from that of which the live one is a part, in type or shape; null where it fits.</summary>
    public static string? Mismatch(SavedTensor saved, TensorSlice? slice, torch.Tensor live)
    {
        var (dtype, shape) = (live.dtype.ToCiuic(saved.Name), slice?.WholeShape ?? live.shape);
        return saved.DType == dtype && saved.Shape.SequenceEqual(shape)
            ? null
            : $"{saved.Item}/{saved.Name}: saved {Describe(saved.DType, saved.Shape)}, live {Describe(dtype, shape)}";
    }

    private static string Describe(DType dtype, IEnumerable<long> shape) =>
        $"{dtype.Name()} [{string.Join(", ", shape)}]";
}
