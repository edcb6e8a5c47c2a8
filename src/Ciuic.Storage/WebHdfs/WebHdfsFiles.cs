using System.Runtime.CompilerServices;
using Polly;
using Polly.Retry;

namespace Ciuic.Storage;

/// <summary>Files and folders of an HDFS, with retries. Every operation may be done twice without harm.</summary>
internal sealed class WebHdfsFiles : IDisposable
{
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
                return (await _connection.AskAsync<HdfsStatusAnswer>(HttpMethod.Get, path, "GETFILESTATUS", c)).FileStatus;
            }
            catch (WebHdfsException error) when (error.IsNotFound)
            {
                return null;
            }
        },
        cancel);

    /// <summary>Makes a folder and those above it.</summary>
    public Task MakeFolderAsync(string path, CancellationToken cancel) =>
        RetryAsync(c => _connection.AskAsync<HdfsYesNo>(HttpMethod.Put, path, "MKDIRS", c), cancel);

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

    /// <summary>
    /// Gives a file another name, if that is free or may be taken. An error may mean that an earlier try, whose answer was lost, has
    /// done it: then the file is no longer where it was. Nobody else moves or deletes it.
    /// </summary>
    /// <returns>False if something else has the name.</returns>
    public async Task<bool> MoveAsync(string path, string target, bool replace, CancellationToken cancel)
    {
        var operation = $"RENAME&renameoptions={(replace ? "OVERWRITE" : "NONE")}&destination={Uri.EscapeDataString(target)}";
        try
        {
            await RetryAsync(
                async c =>
                {
                    await _connection.TellAsync(HttpMethod.Put, path, operation, c);
                    return true;
                },
                cancel);
            return true;
        }
        catch (WebHdfsException error) when (error.IsAlreadyExists)
        {
            return await FindAsync(path, cancel) is null;
        }
        catch (WebHdfsException error) when (error.IsNotFound)
        {
            if (await FindAsync(path, cancel) is null && await FindAsync(target, cancel) is not null)
                return true;
            throw;
        }
    }

    /// <summary>Deletes a file, if it is there.</summary>
    public Task DeleteAsync(string path, CancellationToken cancel) =>
        RetryAsync(c => _connection.AskAsync<HdfsYesNo>(HttpMethod.Delete, path, "DELETE&recursive=false", c), cancel);

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
                    async c => (await _connection.AskAsync<HdfsListingAnswer>(HttpMethod.Get, path, operation, c)).DirectoryListing, cancel);
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
