using Ciuic.Core;
using Ciuic.Testing;
using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage.Tests;

/// <summary>The suite of all stores on a server that speaks WebHDFS, and what is only there: redirects, renames, name nodes.</summary>
public sealed class WebHdfsObjectStoreTests : StoreConformance, IAsyncDisposable
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ObjectKey Key = new("a/b");

    private readonly WebHdfsServer _server = new() { PageSize = 100 };
    private readonly List<WebHdfsObjectStore> _stores = [];

    public WebHdfsObjectStoreTests() => Store = Open(new WebHdfsOptions());

    protected override IObjectStore Store { get; }

    [Fact]
    public async Task Nothing_unfinished_is_left_or_seen()
    {
        await Store.CreateAsync(Key, Bytes(1, 10), None);
        await Store.CreateAsync(Key, Bytes(2, 10), None);
        await Store.PutAsync(Key, Bytes(3, 10), None);
        Assert.DoesNotContain(_server.Paths, p => p.Contains("~tmp/"));
    }

    [Fact]
    public async Task A_create_that_finds_the_name_taken_at_the_rename_deletes_what_it_wrote()
    {
        var racers = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Store.CreateAsync(Key, Bytes(i, 5_000), None)));
        Assert.Single(racers, CreateResult.Created);
        Assert.DoesNotContain(_server.Paths, p => p.Contains("~tmp/"));
    }

    [Fact]
    public async Task A_folder_with_an_objects_name_is_named_and_no_object()
    {
        await Store.CreateAsync(new ObjectKey("a/b/c"), Bytes(1, 1), None);
        Assert.Null(await Store.GetAsync(Key, None));
        Assert.Null(await Store.GetLengthAsync(Key, None));
        foreach (var write in new Func<Task>[] { () => Store.CreateAsync(Key, Bytes(1, 1), None), () => Store.PutAsync(Key, Bytes(1, 1), None) })
            Assert.Contains("a/b in", (await Assert.ThrowsAsync<UnavailableException>(write)).Message);
        await Store.DeleteAsync(Key, None);
        Assert.NotNull(await Store.GetAsync(new ObjectKey("a/b/c"), None));
    }

    [Theory]
    [InlineData(NetworkFault.CutAnswer)]
    [InlineData(NetworkFault.StallAnswer)]
    [InlineData(NetworkFault.LoseAnswer)]
    public async Task A_body_that_breaks_is_read_again(NetworkFault fault)
    {
        await using var proxy = new FaultProxy(_server.DataNode);
        _server.DataNodeAddress = proxy.Endpoint;
        await Store.CreateAsync(Key, Bytes(7, 200_000), None);
        var buffer = new byte[100_000];
        proxy.Arm(fault);
        Assert.Equal(100_000, await Store.GetRangeAsync(Key, 50_000, buffer, None));
        Assert.True(proxy.Done.IsCompleted);
        Assert.Equal(Bytes(7, 100_000), buffer);
        proxy.Arm(fault);
        Assert.Equal(Bytes(7, 200_000), await Store.GetAsync(Key, None));
    }

    [Fact]
    public async Task A_written_file_whose_answer_is_lost_is_written_again_under_another_name()
    {
        await using var proxy = new FaultProxy(_server.DataNode);
        _server.DataNodeAddress = proxy.Endpoint;
        proxy.Arm(NetworkFault.LoseAnswer);
        Assert.Equal(CreateResult.Created, await Store.CreateAsync(Key, Bytes(7, 200_000), None));
        Assert.True(proxy.Done.IsCompleted);
        Assert.Equal(Bytes(7, 200_000), await Store.GetAsync(Key, None));
    }

    [Fact]
    public async Task A_rename_whose_answer_is_lost_is_known_to_be_ours()
    {
        await using var proxy = new FaultProxy(_server.NameNode);
        var store = Open(new WebHdfsOptions(), proxy.Endpoint.Authority);
        var lost = 0;
        do
        {
            // One answer after the other: of the look, the write's redirect, the rename, and whatever is asked because of that.
            proxy.Arm(NetworkFault.LoseAnswer, lost++);
            var key = new ObjectKey($"lost/{lost}");
            Assert.Equal(CreateResult.Created, await store.CreateAsync(key, Bytes(lost, 100), None));
            Assert.Equal(Bytes(lost, 100), await Store.GetAsync(key, None));
        }
        while (proxy.Done.IsCompleted);
        Assert.True(lost > 3, $"{lost} answers were lost");
        Assert.DoesNotContain(_server.Paths, p => p.Contains("~tmp/"));
    }

    [Theory]
    [InlineData(404)]
    [InlineData(302)]
    [InlineData(307)]
    [InlineData(503)]
    public async Task What_somebody_between_us_and_the_name_node_answers_is_no_answer(int status)
    {
        await Store.CreateAsync(Key, Bytes(1, 10), None);
        var answers = 0;
        do
        {
            // The n-th question is answered by a proxy that knows nothing; each time the create is a true one, or told as taken.
            _server.Strange(answers++, status);
            Assert.Equal(CreateResult.AlreadyExists, await Store.CreateAsync(Key, Bytes(2, 10), None));
            Assert.Equal(Bytes(1, 10), await Store.GetAsync(Key, None));
            var other = new ObjectKey($"a/{answers}");
            Assert.Equal(CreateResult.Created, await Store.CreateAsync(other, Bytes(3, 10), None));
            Assert.Equal(Bytes(3, 10), await Store.GetAsync(other, None));
        }
        while (_server.WasStrange);
        Assert.True(answers > 6, $"{answers} questions");
    }

    [Fact]
    public async Task Names_with_large_numbers_are_in_folders_of_a_bounded_size_and_listed_as_if_not()
    {
        string[] keys = ["block/99999", "block/100000", "block/299999", "checkpoint.1234567", "runs/r/250000/shard-0", "runs/r/7/shard-0", "x/1234567890123456789"];
        foreach (var key in keys)
            await Store.CreateAsync(new ObjectKey(key), Bytes(1, 10), None);
        foreach (var key in keys)
            Assert.NotNull(await Store.GetAsync(new ObjectKey(key), None));
        Assert.Equal(keys.Order(StringComparer.Ordinal), await ListAsync(""));
        Assert.Equal(["block/100000", "block/299999", "block/99999"], await ListAsync("block/"));
        Assert.Equal(["block/299999"], await ListAsync("block/2"));
        Assert.Equal(["runs/r/250000/shard-0"], await ListAsync("runs/r/250000/"));
        Assert.Contains("/bucket/one/block/~2/299999", _server.Paths);
        Assert.Contains("/bucket/one/block/99999", _server.Paths);
    }

    [Fact]
    public async Task A_token_file_that_is_away_for_a_moment_passes()
    {
        using var folder = new TemporaryFolder();
        _server.Token = "t";
        var store = Open(new WebHdfsOptions { TokenFile = folder.File("token") });
        var reading = store.GetAsync(Key, None);
        await Task.Delay(300);
        await File.WriteAllTextAsync(folder.File("token"), "t");
        Assert.Null(await reading);
        await Assert.ThrowsAsync<InvalidInputException>(() => StoreSchemes.BuiltIn.OpenAsync(
            Settings(("Ciuic:Store:Uri", _server.Uri("chain")), ("Ciuic:WebHdfs:TokenFile", folder.File("none"))), None));
    }

    [Fact]
    public async Task The_other_name_node_is_asked_when_one_is_standby_or_gone()
    {
        await using var second = _server.Second();
        var store = Open(new WebHdfsOptions(), $"127.0.0.1:{FreePorts.Take(1)[0]},{_server.NameNode.Authority},{second.NameNode.Authority}");
        _server.IsStandby = true;
        Assert.Equal(CreateResult.Created, await store.CreateAsync(Key, Bytes(1, 10), None));
        (_server.IsStandby, second.IsStandby) = (false, true);
        Assert.Equal(Bytes(1, 10), await store.GetAsync(Key, None));
    }

    [Fact]
    public async Task The_user_and_the_token_go_with_each_request_and_a_renewed_token_is_read()
    {
        using var folder = new TemporaryFolder();
        var store = Open(new WebHdfsOptions { User = "trainer" });
        await store.CreateAsync(Key, Bytes(1, 10), None);
        Assert.Equal(["trainer"], _server.Users);

        _server.Token = "first+/=";
        await File.WriteAllTextAsync(folder.File("token"), "first+/=\n");
        var secure = Open(new WebHdfsOptions { TokenFile = folder.File("token") });
        Assert.NotNull(await secure.GetAsync(Key, None));
        _server.Token = "second";
        var error = await Assert.ThrowsAsync<UnavailableException>(() => secure.GetAsync(Key, None));
        Assert.Contains("TokenFile", error.Message);
        Assert.DoesNotContain("first", error.Message);
        await File.WriteAllTextAsync(folder.File("token"), "second");
        Assert.NotNull(await secure.GetAsync(Key, None));
    }

    [Fact]
    public async Task Opening_makes_the_folder_clears_old_leftovers_and_leaves_no_probe()
    {
        _server.Write("/chain/~tmp/old", TimeSpan.FromHours(25));
        _server.Write("/chain/~tmp/young", TimeSpan.FromHours(23));
        for (var i = 0; i < 50; i++) // names are random
        {
            using var opened = (ProvenObjectStore)await OpenAsync(_server.Uri("chain"));
            await ProvenObjectStore.ProveAsync(opened, None);
        }

        Assert.Equal(["/", "/chain", "/chain/probe", "/chain/~tmp", "/chain/~tmp/young"], _server.Paths);
    }

    [Fact]
    public async Task A_server_that_knows_no_options_of_a_rename_is_refused()
    {
        _server.IgnoresRenameOptions = true;
        var store = await OpenAsync(_server.Uri("chain"));
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => store.CreateAsync(Key, Bytes(1, 10), None));
        Assert.Contains("name node's own web address", error.Message);
        Assert.DoesNotContain(_server.Paths, p => p.StartsWith("/chain/probe/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_is_not_let_in_is_told_which_setting_to_look_at()
    {
        _server.Token = "secret";
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => OpenAsync(_server.Uri("chain")));
        Assert.Contains("Ciuic:WebHdfs:TokenFile", error.Message);
    }

    [Fact]
    public async Task What_only_reads_does_not_make_the_folder()
    {
        await Assert.ThrowsAsync<NotFoundException>(() => StoreSchemes.BuiltIn.OpenExistingAsync(_server.Uri("none"), Settings(), None));
        Assert.DoesNotContain("/none", _server.Paths);
    }

    [Fact]
    public async Task What_is_opened_to_be_written_to_is_not_written_to_before()
    {
        var store = await OpenAsync(_server.Uri("later"));
        Assert.Null(await store.GetAsync(Key, None));
        Assert.DoesNotContain("/later", _server.Paths);
        Assert.Equal(CreateResult.Created, await store.CreateAsync(Key, Bytes(1, 10), None));
        Assert.Equal(Bytes(1, 10), await store.GetAsync(Key, None));
    }

    [Fact]
    public async Task A_name_node_that_is_not_there_is_named()
    {
        var uri = $"webhdfs://127.0.0.1:{FreePorts.Take(1)[0]}/chain";
        var error = await Assert.ThrowsAsync<UnavailableException>(() => OpenAsync(uri));
        Assert.Contains(uri, error.Message);
    }

    [Theory]
    [InlineData("webhdfs://host:9870")]
    [InlineData("webhdfs://host:9870/")]
    [InlineData("webhdfs://host/path")]
    [InlineData("webhdfs:///path")]
    [InlineData("webhdfs://user:secret@host:1/path")]
    [InlineData("webhdfs://host:9870/../path")]
    [InlineData("webhdfs://a:1,,b:2/path")]
    public async Task A_URI_of_no_folder_is_refused(string uri) => await Assert.ThrowsAsync<InvalidInputException>(() => OpenAsync(uri));

    public async ValueTask DisposeAsync()
    {
        _stores.ForEach(s => s.Dispose());
        await _server.DisposeAsync();
    }

    private async Task<List<string>> ListAsync(string prefix)
    {
        var keys = new List<string>();
        await foreach (var found in Store.ListAsync(prefix, None))
            keys.Add(found.Key.Path);
        keys.Sort(StringComparer.Ordinal);
        return keys;
    }

    private static IConfigurationRoot Settings(params (string Key, string Value)[] settings) => new ConfigurationBuilder()
        .AddInMemoryCollection([
            new("Ciuic:WebHdfs:MaxRetries", "1"), .. settings.Select(s => KeyValuePair.Create(s.Key, (string?)s.Value))])
        .Build();

    private static Task<IObjectStore> OpenAsync(string uri) =>
        StoreSchemes.BuiltIn.OpenAsync(Settings(("Ciuic:Store:Uri", uri)), None);

    private WebHdfsObjectStore Open(WebHdfsOptions options, string? nameNodes = null)
    {
        options.IdleTimeout = TimeSpan.FromSeconds(1);
        var place = WebHdfsPlace.Parse(nameNodes is null ? _server.Uri("bucket/one") : $"webhdfs://{nameNodes}/bucket/one");
        var store = new WebHdfsObjectStore(place, options, TimeProvider.System);
        _stores.Add(store);
        return store;
    }
}
