using System.Runtime.CompilerServices;
using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Microsoft.Win32.SafeHandles;

namespace Ciuic.Benchmarks;

/// <summary>
/// A bucket in one file, for ledgers that are too long for one file a block: eight bytes of memory for each block. Not
/// durable, and written by one thread.
/// </summary>
internal sealed class PackedStore(string path) : IObjectStore, IDisposable
{
    private static readonly string BlockPrefix = BucketLayout.Block(TestBucket.Ledger, 0).Path[..^1];

    private readonly SafeFileHandle _file =
        File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);

    /// <summary>Of each block: offset in the upper 48 bits, length in the lower 16; no block is longer.</summary>
    private readonly List<long> _blocks = [];
    private readonly Dictionary<string, (long Offset, int Length)> _others = new(StringComparer.Ordinal);
    private readonly byte[] _buffer = new byte[1 << 20];
    private int _buffered;
    private long _written;

    public string Location => $"packed:{path}";

    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel)
    {
        if (Find(key.Path) is not var (offset, length))
            return Task.FromResult<byte[]?>(null);
        Flush();
        var bytes = new byte[length];
        RandomAccess.Read(_file, bytes, offset);
        return Task.FromResult<byte[]?>(bytes);
    }

    public async Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel)
    {
        if (await GetAsync(key, cancel) is not { } bytes)
            return null;
        var part = bytes.AsMemory()[(int)Math.Min(offset, bytes.Length)..];
        part = part[..Math.Min(part.Length, buffer.Length)];
        part.CopyTo(buffer);
        return part.Length;
    }

    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) =>
        Task.FromResult(Find(key.Path) is var (_, length) ? (long?)length : null);

    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        if (Find(key.Path) is not null)
            return Task.FromResult(CreateResult.AlreadyExists);
        Add(key.Path, content.Span);
        return Task.FromResult(CreateResult.Created);
    }

    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        Add(key.Path, content.Span);
        return Task.CompletedTask;
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancel)
    {
        for (var height = 0; height < _blocks.Count && BlockPrefix.StartsWith(prefix, StringComparison.Ordinal); height++)
            yield return new ObjectInfo(BucketLayout.Block(TestBucket.Ledger, height), Find(BlockPrefix + height)!.Value.Length);
        foreach (var (other, (_, length)) in _others.Where(o => o.Key.StartsWith(prefix, StringComparison.Ordinal)))
            yield return new ObjectInfo(new ObjectKey(other), length);
        await Task.CompletedTask;
    }

    public Task DeleteAsync(ObjectKey key, CancellationToken cancel)
    {
        _others.Remove(key.Path);
        return Task.CompletedTask;
    }

    public void Dispose() => _file.Dispose();

    private (long Offset, int Length)? Find(string path)
    {
        if (HeightOf(path) is not { } height)
            return _others.TryGetValue(path, out var found) ? found : null;
        if (height >= _blocks.Count)
            return null;
        return (_blocks[(int)height] >> 16, (int)(_blocks[(int)height] & ushort.MaxValue));
    }

    private void Add(string path, ReadOnlySpan<byte> content)
    {
        if (content.Length > _buffer.Length - _buffered)
            Flush();
        var offset = _written + _buffered;
        if (content.Length > _buffer.Length)
        {
            RandomAccess.Write(_file, content, offset);
            _written += content.Length;
        }
        else
        {
            content.CopyTo(_buffer.AsSpan(_buffered));
            _buffered += content.Length;
        }

        if (HeightOf(path) is null)
            _others[path] = (offset, content.Length);
        else
            _blocks.Add((offset << 16) | (uint)content.Length);
    }

    private void Flush()
    {
        RandomAccess.Write(_file, _buffer.AsSpan(0, _buffered), _written);
        _written += _buffered;
        _buffered = 0;
    }

    private static long? HeightOf(string path) =>
        path.StartsWith(BlockPrefix, StringComparison.Ordinal) && Decimal64.TryParse(path.AsSpan(BlockPrefix.Length), out var height)
            ? height
            : null;
}
