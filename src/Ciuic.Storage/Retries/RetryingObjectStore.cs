using Ciuic.Core;
using Polly;
using Polly.Retry;

namespace Ciuic.Storage;

/// <summary>How often and how long to try again.</summary>
public sealed record RetryOptions
{
    /// <summary>Tries after the first one; 5 with the delays below make about 6 seconds.</summary>
    public int MaxRetries { get; init; } = 5;

    /// <summary>Wait before the first retry; it doubles each time, with jitter.</summary>
    public TimeSpan FirstDelay { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>No wait is longer.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>
/// Repeats calls that ended in <see cref="UnavailableException"/>. A create is repeated with the same bytes;
/// when a repetition finds the object there, it is read back: our own bytes mean that the lost answer was yes.
/// </summary>
public sealed class RetryingObjectStore : IObjectStore
{
    private readonly IObjectStore _inner;
    private readonly ResiliencePipeline _pipeline;

    /// <summary>Wraps a store.</summary>
    public RetryingObjectStore(IObjectStore inner, RetryOptions options, TimeProvider time)
    {
        _inner = inner;
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<UnavailableException>(),
                MaxRetryAttempts = options.MaxRetries,
                Delay = options.FirstDelay,
                MaxDelay = options.MaxDelay,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
            })
            .Build();
    }

    /// <inheritdoc/>
    public string Location => _inner.Location;

    /// <inheritdoc/>
    public Task<byte[]?> GetAsync(ObjectKey key, CancellationToken cancel) =>
        RetryAsync(c => _inner.GetAsync(key, c), cancel);

    /// <inheritdoc/>
    public Task<int?> GetRangeAsync(ObjectKey key, long offset, Memory<byte> buffer, CancellationToken cancel) =>
        RetryAsync(c => _inner.GetRangeAsync(key, offset, buffer, c), cancel);

    /// <inheritdoc/>
    public Task<long?> GetLengthAsync(ObjectKey key, CancellationToken cancel) =>
        RetryAsync(c => _inner.GetLengthAsync(key, c), cancel);

    /// <inheritdoc/>
    public Task<CreateResult> CreateAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var unknown = false;
        return RetryAsync(
            async c =>
            {
                try
                {
                    var result = await _inner.CreateAsync(key, content, c);
                    return unknown && result == CreateResult.AlreadyExists
                        ? await ReadBackAsync(key, content, c)
                        : result;
                }
                catch (UnavailableException)
                {
                    unknown = true;
                    throw;
                }
            },
            cancel);
    }

    /// <inheritdoc/>
    public Task PutAsync(ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel) =>
        _pipeline.ExecuteAsync(async c => await _inner.PutAsync(key, content, c), cancel).AsTask();

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancel)
    {
        await using var list = new RetriedList(_inner, prefix);
        while (await RetryAsync(list.NextAsync, cancel) is { } found)
            yield return found;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(ObjectKey key, CancellationToken cancel) =>
        _pipeline.ExecuteAsync(async c => await _inner.DeleteAsync(key, c), cancel).AsTask();

    private async Task<CreateResult> ReadBackAsync(
        ObjectKey key, ReadOnlyMemory<byte> content, CancellationToken cancel)
    {
        var there = await _inner.GetAsync(key, cancel);
        return there is not null && there.AsSpan().SequenceEqual(content.Span)
            ? CreateResult.Created
            : CreateResult.AlreadyExists;
    }

    private Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancel) =>
        _pipeline.ExecuteAsync(async c => await call(c), cancel).AsTask();
}
