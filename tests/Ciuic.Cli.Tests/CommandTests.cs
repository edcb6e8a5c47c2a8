using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;

namespace Ciuic.Cli.Tests;

/// <summary>Commands that need no silo; those that do are in EndToEnd.</summary>
public sealed class CommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Fact]
    public async Task Audit_of_a_good_bucket_passes()
    {
        await FillAsync();
        Assert.Equal(ExitCode.Ok, await RunAsync("audit", "--store", Store, "--key", TestKeys.TreeHead.Verifier.ToString()));
        Assert.Contains("PASSED: history and every byte", _output.ToString());
        Assert.Contains("checking snapshots of 2", _error.ToString());
    }

    [Fact]
    public async Task Audit_reads_keys_from_a_file_and_prints_JSON()
    {
        await FillAsync();
        var keys = _folder.File("keys.txt");
        await File.WriteAllTextAsync(keys, $"{TestKeys.TreeHead.Verifier}\n{TestKeys.Blocks.Verifier}\n");
        Assert.Equal(ExitCode.Ok, await RunAsync("audit", "--store", Store, "--key", keys, "--json"));
        var report = System.Text.Json.JsonDocument.Parse(_output.ToString()).RootElement[0];
        Assert.True(report.GetProperty("passed").GetBoolean());
        Assert.True(report.GetProperty("keysTrusted").GetBoolean());
        Assert.Equal(2, report.GetProperty("runs")[0].GetProperty("intact").GetInt32());
    }

    [Fact]
    public async Task Audit_names_damage_and_ends_with_20()
    {
        var manifest = await FillAsync();
        var path = Path.Combine(_folder.File("store"), BucketLayout.Shard(manifest.Id, new Rank(0)).Path);
        var bytes = await File.ReadAllBytesAsync(path);
        bytes[20] ^= 1;
        await File.WriteAllBytesAsync(path, bytes);
        Assert.Equal(ExitCode.Integrity, await RunAsync("audit", "--store", Store));
        Assert.Contains("WRONG  snapshot sample#2: the shard manifest of rank 0", _output.ToString());
        Assert.Contains("FAILED: 1 findings", _output.ToString());
    }

    [Fact]
    public async Task Two_ledgers_of_one_origin_in_a_bucket_are_two_histories()
    {
        await FillAsync();
        var (from, to) = (Path.Combine(_folder.File("store"), "ledgers", "main"), Path.Combine(_folder.File("store"), "ledgers", "other"));
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Assert.Equal(ExitCode.Integrity, await RunAsync("audit", "--store", Store));
        Assert.Contains("main, other are all signed as ciuic.test/ledger", _error.ToString());
        Assert.Equal(ExitCode.Ok, await RunAsync("audit", "--store", Store, "--ledger", "main"));
    }

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("10.9.9.9:8090")]
    [InlineData("nowhere:80")]
    public async Task A_witness_that_cannot_listen_says_so(string listen)
    {
        var policy = _folder.File("policy");
        await File.WriteAllTextAsync(policy, $"log {TestKeys.TreeHead.Verifier}\nquorum none\n");
        Assert.Equal(ExitCode.Usage, await RunAsync(
            "witness", "--listen", listen, "--data", _folder.File("witness"), "--policy", policy, "--name", "w"));
        Assert.Contains("--listen", _error.ToString());
    }

    [Theory]
    [InlineData(ExitCode.Usage, "audit", "--stor", "file:x")]
    [InlineData(ExitCode.Usage, "audit", "--store", "nothing")]
    [InlineData(ExitCode.NotFound, "audit", "--store", "file:/nowhere/at/all")]
    [InlineData(ExitCode.Usage, "audit", "--store", "memory:", "--key", "no-key")]
    [InlineData(ExitCode.Usage, "show", "a@@b")]
    [InlineData(ExitCode.Usage, "ls", "../x")]
    [InlineData(ExitCode.Usage, "runs", "--set", "nonsense")]
    [InlineData(ExitCode.Usage, "runs", "--set", "Ciuic:Client:Gateways:0=nowhere")]
    [InlineData(ExitCode.Usage, "what")]
    [InlineData(ExitCode.Ok, "--help")]
    public async Task Every_outcome_has_its_code(int code, params string[] arguments)
    {
        Assert.Equal(code, await RunAsync(arguments));
        Assert.Equal(code == ExitCode.Ok, _error.ToString().Length == 0);
    }

    [Theory]
    [InlineData("'frobnicate' is no command of 'ciuic'", "frobnicate")]
    [InlineData("did you mean runs?", "rnus")]
    [InlineData("did you mean verify?", "verfiy", "r@latest")]
    [InlineData("'lst' is no command of 'ciuic key': did you mean list?", "key", "lst")]
    [InlineData("did you mean --json?", "runs", "--jsno")]
    [InlineData("'more' is no argument of 'ciuic runs'", "runs", "more")]
    public async Task A_word_that_nobody_knows_is_named_with_the_one_that_was_meant(string says, params string[] arguments)
    {
        Assert.Equal(ExitCode.Usage, await RunAsync(arguments));
        Assert.Contains(says, _error.ToString());
    }

    [Theory]
    [InlineData("audit")]
    [InlineData("proof", "a@latest")]
    public async Task A_command_that_reads_the_bucket_itself_says_so_where_a_gateway_is_in_between(params string[] arguments)
    {
        Assert.Equal(ExitCode.Usage, await RunAsync([.. arguments, "--set", "Ciuic:Store:Uri=gateway:", "--set", "Ciuic:Client:Mode=Http"]));
        Assert.Contains("--store", _error.ToString());
    }

    [Theory]
    [InlineData("audit")]
    [InlineData("create", "key")]
    public async Task Without_a_command_there_is_the_help(string says, params string[] arguments)
    {
        Assert.Equal(ExitCode.Ok, await RunAsync(arguments));
        Assert.Contains(says, _output.ToString());
        Assert.Equal("", _error.ToString());
    }

    [Fact]
    public async Task An_argument_that_begins_with_the_sign_of_references_is_no_file()
    {
        Assert.Equal(ExitCode.Usage, await RunAsync("show", "@latest"));
        Assert.DoesNotContain("file", _error.ToString());
        Assert.Contains("'' is not a run id", _error.ToString());
    }

    [Fact]
    public async Task A_scope_that_there_is_not_is_named_with_those_that_there_are()
    {
        Assert.Equal(ExitCode.Usage, await RunAsync("key", "create", "me", "--scope", "root"));
        Assert.Contains("read, write or admin", _error.ToString());
        Assert.DoesNotContain("Ciuic.Core", _error.ToString());
    }

    [Fact]
    public void What_others_have_written_cannot_move_the_cursor()
    {
        const string evil = "best\u001b[2J\u202e\r";
        var output = new CommandOutput(_output, _error);
        output.WriteLine(evil);
        output.WriteTable(["label"], [[evil], [null!]]);
        output.WriteJson(new { evil });
        output.WriteJsonLine(new { evil });
        output.WriteProgress(evil);
        output.Warn(evil);
        output.Fail(evil);
        var said = _output.ToString() + _error;
        Assert.DoesNotContain(said.ReplaceLineEndings(""), c => char.IsControl(c) || c == '\u202e');
        Assert.Contains("null", said);
    }

    public void Dispose() => _folder.Dispose();

    private string Store => $"file:{_folder.File("store")}";

    /// <summary>What a machine remembers of the tests' ledger is each test's own: their buckets are all signed by the same keys.</summary>
    private Task<int> RunAsync(params string[] arguments) => CiuicCommandLine.InvokeAsync(
        arguments is ["audit", ..] ? [.. arguments, "--set", $"Ciuic:Client:StateDirectory={_folder.File("client")}"] : arguments,
        _output,
        _error);

    private async Task<Manifest> FillAsync()
    {
        var bucket = new TestBucket(new FileObjectStore(_folder.File("store")), TimeProvider.System);
        var first = await bucket.CommitAsync(Samples.Run, 1, null, ArrayTensor.Random("t", 100, 1));
        return await bucket.CommitAsync(Samples.Run, 2, Samples.LinkOf(first), ArrayTensor.Random("t", 100, 2));
    }
}
