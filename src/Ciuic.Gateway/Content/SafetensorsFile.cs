using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ciuic.Client;
using Ciuic.Core;
using Ciuic.Snapshots;

namespace Ciuic.Gateway;

/// <summary>
/// An item's tensors as a safetensors file (https://github.com/huggingface/safetensors): the length of a header, the header in JSON, the bytes.
/// </summary>
internal sealed class SafetensorsFile
{
    private const int Alignment = 8;
    private const long DefaultBlockBytes = 8L << 20;

    private readonly SavedItem _item;
    private readonly long _blockBytes;
    private readonly byte[] _header;

    /// <param name="item">The item.</param>
    /// <param name="metadata">Put into the file.</param>
    /// <param name="blockBytes">Of a tensor that several ranks have saved so much is put together at a time.</param>
    /// <exception cref="InvalidInputException">A tensor is of a type that such files do not have.</exception>
    public SafetensorsFile(SavedItem item, IReadOnlyDictionary<string, string> metadata, long blockBytes = DefaultBlockBytes)
    {
        (_item, _blockBytes) = (item, blockBytes);
        var (header, offset) = (new JsonObject { ["__metadata__"] = JsonSerializer.SerializeToNode(metadata) }, 0L);
        foreach (var tensor in item.Tensors.Values)
        {
            header[tensor.Name] = new JsonObject
            {
                ["dtype"] = NameOf(tensor.Name, tensor.DType),
                ["shape"] = new JsonArray([.. tensor.Shape.Select(n => (JsonNode)n)]),
                ["data_offsets"] = new JsonArray(offset, offset + tensor.Length),
            };
            offset += tensor.Length;
        }

        var text = JsonSerializer.SerializeToUtf8Bytes(header);
        _header = new byte[sizeof(ulong) + ((text.Length + Alignment - 1) / Alignment * Alignment)];
        _header.AsSpan().Fill((byte)' ');
        BinaryPrimitives.WriteUInt64LittleEndian(_header, (ulong)(_header.Length - sizeof(ulong)));
        text.CopyTo(_header.AsSpan(sizeof(ulong)));
        Length = _header.Length + offset;
    }

    /// <summary>Its bytes.</summary>
    public long Length { get; }

    /// <summary>Writes it. Every byte was checked before it is written.</summary>
    /// <param name="output">Takes it.</param>
    /// <param name="between">Called before each tensor; an exception ends the writing.</param>
    public void WriteTo(Stream output, Action between)
    {
        output.Write(_header);
        foreach (var tensor in _item.Tensors.Values)
        {
            between();
            if (tensor.Parts.Count > 1)
                Assemble(tensor, output);
            else
                _item.ReadTensor(tensor.Name, (_, bytes) => output.Write(bytes.Span));
        }
    }

    /// <summary>What several ranks have saved is put together some elements at a time, never more than a block of them.</summary>
    private void Assemble(SavedTensor tensor, Stream output)
    {
        var block = new byte[Math.Min(tensor.Length, Math.Max(_blockBytes, tensor.DType.Size()))];
        foreach (var slice in Blocks(tensor, block.Length))
        {
            var bytes = (int)tensor.DType.ByteLength(slice.Box.Shape)!.Value;
            _item.ReadTensor(tensor.Name, slice, (at, piece) => piece.Span.CopyTo(block.AsSpan((int)at)));
            output.Write(block, 0, bytes);
        }
    }

    /// <summary>Cuts a tensor into stretches of its row-major order that have so many bytes at most: rows, or parts of one.</summary>
    private static IEnumerable<TensorSlice> Blocks(SavedTensor tensor, int maxBytes)
    {
        var shape = tensor.Shape;
        var (cut, inner) = (shape.Count - 1, (long)tensor.DType.Size()); // bytes of one step along the dimension that is cut
        while (cut > 0 && inner * shape[cut] <= maxBytes)
            inner *= shape[cut--];
        var step = Math.Max(1, maxBytes / inner);
        var offset = new long[shape.Count];
        do
        {
            for (offset[cut] = 0; offset[cut] < shape[cut]; offset[cut] += step)
            {
                long[] extent = [.. Enumerable.Repeat(1L, cut), Math.Min(step, shape[cut] - offset[cut]), .. shape.Skip(cut + 1)];
                yield return new TensorSlice(shape, new TensorBox([.. offset], extent));
            }
        }
        while (Advance(offset, shape, cut));
    }

    /// <summary>Counts up all dimensions before one; false after the last.</summary>
    private static bool Advance(long[] offset, IReadOnlyList<long> shape, int before)
    {
        offset[before] = 0;
        for (var d = before - 1; d >= 0; d--)
        {
            if (++offset[d] < shape[d])
                return true;
            offset[d] = 0;
        }

        return false;
    }

    private static string NameOf(string tensor, DType type) => type switch
    {
        DType.UInt8 => "U8",
        DType.Int8 => "I8",
        DType.Int16 => "I16",
        DType.Int32 => "I32",
        DType.Int64 => "I64",
        DType.Float16 => "F16",
        DType.BFloat16 => "BF16",
        DType.Float32 => "F32",
        DType.Float64 => "F64",
        DType.Complex64 => "C64",
        DType.UInt16 => "U16",
        DType.UInt32 => "U32",
        DType.UInt64 => "U64",
        DType.Float8E4M3Fn => "F8_E4M3",
        DType.Float8E5M2 => "F8_E5M2",
        DType.Float8E8M0Fnu => "F8_E8M0",
        DType.Bool => "BOOL",
        _ => throw new InvalidInputException($"'{tensor}' is of {type.Name()}, which safetensors files do not have."),
    };
}
