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

    /// <summary>What several ranks have saved is put together some rows at a time.</summary>
    private void Assemble(SavedTensor tensor, Stream output)
    {
        var blocks = (int)Math.Clamp((tensor.Length + _blockBytes - 1) / _blockBytes, 1, tensor.Shape[0]);
        for (var i = 0; i < blocks; i++)
        {
            var rows = TensorSlice.OfRows(tensor.Shape, i, blocks);
            var block = new byte[tensor.DType.ByteLength(rows.Box.Shape)!.Value];
            _item.ReadTensor(tensor.Name, rows, (at, bytes) => bytes.Span.CopyTo(block.AsSpan((int)at)));
            output.Write(block);
        }
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
