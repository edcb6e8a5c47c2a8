using System.Runtime.CompilerServices;
using Polly;
using Polly.Retry;

namespace Ciuic.Storage;

/// <summary>Files and folders of an HDFS, with retries. Every operation may be done twice without harm.</summary>
internal sealed class WebHdfsFiles : IDisposable
{
    private static readonly TimeSpan WorthWaiting = TimeSpan.FromSeconds(2);

    private readonly WebHdfsConnection _connection;
    private readonly WebHdfsOptions _options;
    private readonly ResiliencePipeline _retries;

    public WebHdfsFiles(WebHdfsPlace place, WebHdfsOptions options, TimeProvider time)
    {
        (_connection, _options) = (new WebHdfsConnection(place, options), options);
        _retries = options.MaxRetries == 0
            ? ResiliencePipeline.Empty
            : new ResiliencePipelineBuilder { TimeProvider = time }
                .AddRetry(new RetryStrategyOptions
                {
                    ShouldHandle = new PredicateBuilder().Handle<Exception>(WebHdfsException.IsPassing),
                    MaxRetryAttempts = options.MaxRetries,
                    Delay = TimeSpan.FromMilliseconds(200),
                    MaxDelay = TimeSpan.FromSeconds(5),
                    BackoffType = DelayBackoffType.Exponential,
                    UseJitter = true,
                })
                .Build();
    }

    /// <summary>What is at a path, or null.</summary>
    public Task<HdfsStatus?> FindAsync(string path, CancellationToken cancel) => RetryAsync<HdfsStatus?>(
        async c =>
        {
            try
            {
                return (await _connection.AskAsync(HttpMethod.Get, path, "GETFILESTATUS", WebHdfsJson.Default.HdfsStatusAnswer, c)).FileStatus;
            }
            catch (WebHdfsException error) when (error.IsNotFound)
            {
                return null;
            }
        },
        cancel);

    /// <summary>Makes a folder and those above it.</summary>
    public Task MakeFolderAsync(string path, CancellationToken cancel) =>
        RetryAsync(c => _connection.AskAsync(HttpMethod.Put, path, "MKDIRS", WebHdfsJson.Default.HdfsYesNo, c), cancel);

    /// <summary>
    /// Writes a file under a name that nobody else uses. Each try takes a name of its own: of one that was given up, the server may
    /// still be writing.
    /// </summary>
    /// <returns>The file's path.</returns>
    public Task<string> WriteAsync(Func<string> nextPath, ReadOnlyMemory<byte> content, CancellationToken cancel) => RetryAsync(
        async c =>
        {
            var path = nextPath();
            await _connection.SendAsync(path, "CREATE&overwrite=false", content, c);
            return path;
        },
        cancel);

    /// <summary>Gives a file another name, if that is free or may be taken.</summary>
    /// <returns>False if something else has the name: the name node looks first whether the file is there, so it still is.</returns>
    /// <exception cref="WebHdfsException">
    /// Not found: the folder of the new name is not there, or the file is not, because an earlier try, whose answer was lost, has
    /// moved it.
    /// </exception>
    public async Task<bool> MoveAsync(string path, string target, bool replace, CancellationToken cancel)
    {
        var operation = $"RENAME&renameoptions={(replace ? "OVERWRITE" : "NONE")}&destination={Uri.EscapeDataString(target)}";
        try
        {
            return await RetryAsync(
                async c =>
                {
                    await _connection.TellAsync(HttpMethod.Put, path, operation, c);
                    return true;
                },
                cancel);
        }
        catch (WebHdfsException error) when (error.IsAlreadyExists)
        {
            return false;
        }
    }

    /// <summary>Deletes a file, if it is there.</summary>
    public Task DeleteAsync(string path, CancellationToken cancel) =>
        RetryAsync(c => _connection.AskAsync(HttpMethod.Delete, path, "DELETE&recursive=false", WebHdfsJson.Default.HdfsYesNo, c), cancel);

    /// <summary>Deletes a file if that is quickly done: whoever is ending must not wait for a server that does not answer.</summary>
    public async Task TryDeleteAsync(string path)
    {
        using var limit = new CancellationTokenSource(WorthWaiting);
        try
        {
            await _connection.AskAsync(HttpMethod.Delete, path, "DELETE&recursive=false", WebHdfsJson.Default.HdfsYesNo, limit.Token);
        }
        catch (Exception error) when (error is OperationCanceledException || WebHdfsException.IsOne(error, CancellationToken.None))
        {
            // Whoever opens the bucket in a day deletes it.
        }
    }

    /// <summary>What is in a folder; nothing where there is none.</summary>
    public async IAsyncEnumerable<HdfsStatus> ListAsync(string path, [EnumeratorCancellation] CancellationToken cancel)
    {
        for (var after = ""; ;)
        {
            var operation = $"LISTSTATUS_BATCH&startAfter={Uri.EscapeDataString(after)}";
            HdfsListing page;
            try
            {
                page = await RetryAsync(
                    async c => (await _connection.AskAsync(HttpMethod.Get, path, operation, WebHdfsJson.Default.HdfsListingAnswer, c)).DirectoryListing, cancel);
            }
            catch (WebHdfsException error) when (error.IsNotFound)
            {
                yield break;
            }

            var found = page.PartialListing.FileStatuses.FileStatus;
            foreach (var one in found.Where(f => f.PathSuffix.Length > 0)) // a file that is asked for as a folder lists itself
                yield return one;
            if (page.RemainingEntries == 0 || found.Length == 0)
                yield break;
            after = found[^1].PathSuffix;
        }
    }

    /// <summary>
    /// Reads a stretch of a file. Each try reads all of it: a file that is replaced meanwhile must not be put together from both.
    /// </summary>
    /// <param name="path">Which file.</param>
    /// <param name="range">Part of the query that says which stretch; empty for all.</param>
    /// <param name="bufferOf">Where bytes go, when their number is known.</param>
    /// <param name="cancel">Ends the reading.</param>
    /// <returns>Bytes read.</returns>
    public Task<int> ReadAsync(string path, string range, Func<int, Memory<byte>> bufferOf, CancellationToken cancel) => RetryAsync(
        async c =>
        {
            using var response = await _connection.OpenAsync(path, $"OPEN{range}", c);
            var length = response.Content.Headers.ContentLength ?? throw new IOException("the data node does not say how long its answer is");
            var buffer = bufferOf(checked((int)length));
            if (length > buffer.Length)
                throw new IOException("the data node sends more than was asked for");
            await FillAsync(await response.Content.ReadAsStreamAsync(c), buffer[..(int)length], c);
            return (int)length;
        },
        cancel);

    public void Dispose() => _connection.Dispose();

    private async Task FillAsync(Stream body, Memory<byte> buffer, CancellationToken cancel)
    {
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        for (var done = 0; done < buffer.Length;)
        {
            idle.CancelAfter(_options.IdleTimeout);
            int read;
            try
            {
                read = await body.ReadAsync(buffer[done..], idle.Token);
            }
            catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
            {
                throw new TimeoutException("the body stands still", error);
            }

            done += read > 0 ? read : throw new IOException("the body ends too early");
        }
    }

    private Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancel) =>
        _retries.ExecuteAsync(async c => await call(c), cancel).AsTask();
}
