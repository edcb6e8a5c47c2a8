using System.Net;
using System.Text;
using System.Text.Json;

namespace Ciuic.Testing;

/// <summary>
/// A name node and a data node in this process, true to the protocol as Hadoop 3 speaks it: redirects, Java's exceptions and their
/// statuses, rename with options, pages of lists, files that are seen while they are written. Not Hadoop: no HDFS could be had.
/// </summary>
public sealed class WebHdfsServer : IAsyncDisposable
{
    private const string Prefix = "/webhdfs/v1";

    private readonly HdfsTree _tree;
    private readonly HttpListener _nameNode = new();
    private readonly HttpListener _dataNode = new();
    private readonly Task _serving;
    private int _strange;
    private int _spared;

    public WebHdfsServer()
        : this(new HdfsTree())
    {
    }

    private WebHdfsServer(HdfsTree tree)
    {
        _tree = tree;
        NameNode = Listen(_nameNode);
        DataNode = Listen(_dataNode);
        DataNodeAddress = DataNode;
        _serving = Task.WhenAll(AcceptAsync(_nameNode, Answer), AcceptAsync(_dataNode, Transfer));
    }

    /// <summary>Where clients begin.</summary>
    public Uri NameNode { get; }

    /// <summary>Where the bytes are.</summary>
    public Uri DataNode { get; }

    /// <summary>Where the name node sends clients for bytes: the data node, or a proxy before it.</summary>
    public Uri DataNodeAddress { get; set; }

    /// <summary>The active name node says that it is none.</summary>
    public bool IsStandby { get; set; }

    /// <summary>Like HttpFS, knows no options of a rename.</summary>
    public bool IgnoresRenameOptions { get; set; }

    /// <summary>The delegation token that requests must carry; null for none.</summary>
    public string? Token { get; set; }

    /// <summary>Whether a question was answered strangely since the last call of <see cref="Strange"/>.</summary>
    public bool WasStrange { get; private set; }

    /// <summary>Entries of a list's page.</summary>
    public int PageSize { get; set; } = 1_000;

    /// <summary>Names that requests said they came from.</summary>
    public HashSet<string> Users { get; } = [];

    /// <summary>Files and folders by path.</summary>
    public IReadOnlyList<string> Paths => _tree.Paths;

    /// <summary>The URI of a bucket.</summary>
    public string Uri(string path) => $"webhdfs://{NameNode.Authority}/{path}";

    /// <summary>One question to the name node is answered by somebody before it, who has never heard of HDFS.</summary>
    /// <param name="spared">Questions that pass before.</param>
    /// <param name="status">What he answers.</param>
    public void Strange(int spared, int status) => (WasStrange, _spared, _strange) = (false, spared, status);

    /// <summary>Another name node of the same files.</summary>
    public WebHdfsServer Second() => new(_tree);

    /// <summary>Makes a file that was written some time ago.</summary>
    public void Write(string path, TimeSpan age) => _tree.Write(path, age);

    public async ValueTask DisposeAsync()
    {
        _nameNode.Stop();
        _dataNode.Stop();
        await _serving;
        _nameNode.Close();
        _dataNode.Close();
    }

    private static Uri Listen(HttpListener listener)
    {
        var address = new Uri($"http://127.0.0.1:{FreePorts.Take(1)[0]}/");
        listener.Prefixes.Add(address.ToString());
        listener.Start();
        return address;
    }

    private static async Task AcceptAsync(HttpListener listener, Func<HttpListenerContext, Query, Task> serve)
    {
        try
        {
            while (true)
                _ = ServeAsync(await listener.GetContextAsync(), serve);
        }
        catch (Exception error) when (error is HttpListenerException or InvalidOperationException)
        {
            // The server ends, or has ended before it was asked again.
        }
    }

    private static async Task ServeAsync(HttpListenerContext context, Func<HttpListenerContext, Query, Task> serve)
    {
        try
        {
            try
            {
                await serve(context, Query.Of(context.Request));
            }
            catch (HdfsFault fault)
            {
                context.Response.StatusCode = fault.Status;
                await WriteAsync(context, new { RemoteException = new { exception = fault.Kind, javaClassName = $"java.{fault.Kind}", message = fault.Message } });
            }

            context.Response.Close();
        }
        catch (Exception error) when (error is HttpListenerException or IOException or ObjectDisposedException or InvalidOperationException)
        {
            context.Response.Abort(); // the client has gone
        }
    }

    private static async Task WriteAsync(HttpListenerContext context, object answer)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(answer);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength64 = json.Length;
        await context.Response.OutputStream.WriteAsync(json);
    }

    private Task Answer(HttpListenerContext context, Query query)
    {
        if (_strange > 0 && _spared-- == 0)
        {
            (WasStrange, context.Response.StatusCode, _strange) = (true, _strange, 0);
            return Task.CompletedTask;
        }

        if (IsStandby)
            throw new HdfsFault(403, "StandbyException", "Operation category READ is not supported in state standby");
        if (Token is not null && query["delegation"] != Token)
            throw new HdfsFault(401, "SecurityException", "Failed to obtain user group information: token is wrong");
        lock (Users)
            Users.Add(query["user.name"]);
        return (context.Request.HttpMethod, query["op"]) switch
        {
            ("GET", "GETFILESTATUS") => WriteAsync(context, new { FileStatus = Status(_tree.Get(query.Path), "") }),
            ("GET", "LISTSTATUS_BATCH") => WriteAsync(context, Page(query)),
            ("PUT", "MKDIRS") => WriteAsync(context, new { boolean = _tree.MakeFolder(query.Path) }),
            ("PUT", "RENAME") => Rename(context, query),
            ("DELETE", "DELETE") => WriteAsync(context, new { boolean = _tree.Delete(query.Path) }),
            ("PUT", "CREATE") or ("GET", "OPEN") => Redirect(context, query),
            _ => throw new HdfsFault(400, "UnsupportedOperationException", $"{query["op"]} is not supported"),
        };
    }

    private Task Redirect(HttpListenerContext context, Query query)
    {
        if (query["op"] == "OPEN")
        {
            var length = _tree.Get(query.Path).Content.Length;
            var offset = query.Number("offset") ?? 0;
            if (offset >= length)
                throw new HdfsFault(403, "IOException", $"Offset={offset} out of the range [0, {length}); OPEN, path={query.Path}");
        }

        context.Response.StatusCode = 307;
        context.Response.Headers["Location"] = new Uri(DataNodeAddress, context.Request.RawUrl).ToString();
        return Task.CompletedTask;
    }

    private Task Rename(HttpListenerContext context, Query query)
    {
        if (IgnoresRenameOptions || query["renameoptions"].Length == 0)
            return WriteAsync(context, new { boolean = _tree.TryRename(query.Path, query["destination"]) });
        _tree.Rename(query.Path, query["destination"], query["renameoptions"] == "OVERWRITE");
        return Task.CompletedTask;
    }

    private object Page(Query query)
    {
        var all = _tree.List(query.Path).Where(f => string.CompareOrdinal(f.Name, query["startAfter"]) > 0).ToList();
        return new
        {
            DirectoryListing = new
            {
                partialListing = new { FileStatuses = new { FileStatus = all.Take(PageSize).Select(f => Status(f.File, f.Name)) } },
                remainingEntries = Math.Max(0, all.Count - PageSize),
            },
        };
    }

    private static object Status(HdfsFile file, string name) => new
    {
        pathSuffix = name,
        type = file.IsFolder ? "DIRECTORY" : "FILE",
        length = file.Content.Length,
        modificationTime = file.At.ToUnixTimeMilliseconds(),
        permission = "644",
        replication = 3,
    };

    private async Task Transfer(HttpListenerContext context, Query query)
    {
        if (query["op"] == "CREATE")
        {
            await ReceiveAsync(context, query);
            return;
        }

        var content = _tree.Get(query.Path).Content;
        var offset = (int)(query.Number("offset") ?? 0);
        var length = (int)Math.Min(query.Number("length") ?? int.MaxValue, content.Length - offset);
        context.Response.ContentLength64 = length;
        await context.Response.OutputStream.WriteAsync(content.AsMemory(offset, length));
    }

    /// <summary>What has arrived is seen at once, as in HDFS, and stays where the rest never comes.</summary>
    private async Task ReceiveAsync(HttpListenerContext context, Query query)
    {
        _tree.Create(query.Path, query["overwrite"] == "true");
        var buffer = new byte[64 << 10];
        for (int read; (read = await context.Request.InputStream.ReadAsync(buffer)) > 0;)
            _tree.Append(query.Path, buffer.AsSpan(0, read));
        context.Response.StatusCode = 201;
        context.Response.Headers["Location"] = $"hdfs://namenode:8020{query.Path}";
    }

    private sealed record Query(string Path, Dictionary<string, string> Values)
    {
        public string this[string name] => Values.GetValueOrDefault(name, "");

        public static Query Of(HttpListenerRequest request)
        {
            var parts = request.RawUrl!.Split('?', 2);
            if (!parts[0].StartsWith(Prefix, StringComparison.Ordinal))
                throw new HdfsFault(404, "FileNotFoundException", "no WebHDFS here");
            var values = (parts.Length == 2 ? parts[1] : "").Split('&', StringSplitOptions.RemoveEmptyEntries)
                .Select(pair => pair.Split('=', 2))
                .ToDictionary(pair => pair[0], pair => WebUtility.UrlDecode(pair[1]));
            return new Query(System.Uri.UnescapeDataString(parts[0][Prefix.Length..]), values);
        }

        public long? Number(string name) => Values.TryGetValue(name, out var text) ? long.Parse(text) : null;
    }
}
