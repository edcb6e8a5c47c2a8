using Ciuic.Core;
using Ciuic.Storage;
using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>What does not fit does not join: buckets, databases and keys that do not belong together, as silos and trainers meet them.</summary>
public sealed class FittingTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly TemporaryFolder _folder = new();
    private readonly DemoPlace _place;
    private readonly CliRun _cli;

    public FittingTests()
    {
        _place = DemoPlace.Open(_folder.File("place"));
        _cli = new CliRun(_place);
    }

    private string Keys => Path.Combine(_place.Folder, "silo", "keys");

    private string Identity => Path.Combine(_place.StorePath, BucketLayout.Identity.Path);

    public async ValueTask InitializeAsync()
    {
        await using var silo = await SiloProcess.StartAsync(_place, None);
        await _cli.TrainAsync(ExitCode.Ok, "a", 6);
        await silo.StopAsync(None);
    }

    public ValueTask DisposeAsync()
    {
        _folder.Dispose();
        return ValueTask.CompletedTask;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_silo_with_another_bucket_does_not_start_and_names_both(bool isUsed)
    {
        var other = _folder.File("other-store");
        if (isUsed)
            await BucketIdentity.EnsureAsync(new FileObjectStore(other), TimeProvider.System, None);
        await RefusedAsync([$"--Ciuic:Store:Uri=file:{other}"], other, _place.StorePath, (await IdAsync()).ToString());
        Assert.False(Directory.Exists(Path.Combine(other, "ledgers")));
        await StartsAsync(); // and with its own it goes on
    }

    [Fact]
    public async Task A_bucket_from_before_identities_gets_one_only_where_its_ledger_is_the_one_that_was_seen()
    {
        await ForgetIdentityAsync();
        await RefusedAsync([$"--Ciuic:Store:Uri=file:{_folder.File("empty")}"], "does not fit", _folder.File("empty"));
        Assert.False(File.Exists(Path.Combine(_folder.File("empty"), "bucket")));
        await StartsAsync();
        Assert.True(File.Exists(Identity));
    }

    [Fact]
    public async Task A_database_from_before_identities_with_runs_does_not_take_an_empty_bucket_whatever_its_machine_forgot()
    {
        await ForgetIdentityAsync();
        foreach (var file in Directory.EnumerateFiles(Keys, "*.accepted-head"))
            File.Delete(file);
        await RefusedAsync([$"--Ciuic:Store:Uri=file:{_folder.File("empty")}"], "the database knows snapshots of runs");
        await StartsAsync();
    }

    [Fact]
    public async Task A_database_from_before_identities_whose_runs_were_opened_and_have_saved_nothing_goes_on_with_an_empty_bucket()
    {
        await ForgetIdentityAsync("DELETE FROM OrleansStorage WHERE GrainTypeString LIKE '%snapshot'");
        foreach (var file in Directory.EnumerateFiles(_place.Folder, "*.accepted-head", SearchOption.AllDirectories)) // the trainer's, too
            File.Delete(file);
        Directory.Delete(_place.StorePath, recursive: true);
        await using var silo = await SiloProcess.StartAsync(_place, None);
        await _cli.TrainAsync(ExitCode.Ok, "b", 3);
        await silo.StopAsync(None);
        Assert.True(File.Exists(Identity));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_identity_that_was_lost_or_damaged_is_put_back_as_it_was(bool isDamaged)
    {
        var before = await File.ReadAllBytesAsync(Identity);
        if (isDamaged)
            await File.WriteAllBytesAsync(Identity, before[..^5]);
        else
            File.Delete(Identity);
        await StartsAsync();
        Assert.Equal(before, await File.ReadAllBytesAsync(Identity));
    }

    [Fact]
    public async Task A_bucket_that_moved_is_the_same()
    {
        var moved = _folder.File("moved");
        Directory.Move(_place.StorePath, moved);
        await using var silo = await SiloProcess.StartAsync(_place, None, $"--Ciuic:Store:Uri=file:{moved}");
        await _cli.TrainAsync(ExitCode.Ok, "a", 9, "--set", $"Ciuic:Store:Uri=file:{moved}");
        await silo.StopAsync(None);
    }

    [Theory]
    [InlineData("main.blocks.key")]
    [InlineData("main.tree-head.key")]
    public async Task A_private_key_that_is_missing_is_said_and_no_new_one_made(string file)
    {
        var kept = _folder.File("kept");
        File.Move(Path.Combine(Keys, file), kept);
        await RefusedAsync([], file, "bring back");
        Assert.False(File.Exists(Path.Combine(Keys, file)));
        File.Move(kept, Path.Combine(Keys, file));
        await StartsAsync();
    }

    [Fact]
    public async Task Other_keys_or_another_origin_than_the_ledgers_are_refused_on_a_new_database_too()
    {
        var other = DemoPlace.Open(_folder.File("other"));
        LedgerKeyFiles.Make(Path.Combine(other.Folder, "silo", "keys"));
        foreach (var setting in new[] { "--Ciuic:Ledger:Origin=ciuic.local/demo", "--Ciuic:Ledger:Origin=ciuic.local/other" })
        {
            if (setting.EndsWith("other", StringComparison.Ordinal))
                Directory.Delete(Path.Combine(other.Folder, "silo", "keys"), recursive: true);
            await using var silo = ProgramRun.Silo([.. other.SiloSettings, $"--Ciuic:Store:Uri={_place.StoreUri}", setting]);
            Assert.Equal(ExitCode.Usage, await silo.ExitAsync());
            Assert.Contains(_place.StorePath, Assert.Single(silo.Lines));
        }
    }

    [Fact]
    public async Task Another_ledger_name_than_the_databases_is_refused() =>
        await RefusedAsync(["--Ciuic:Ledger:Name=second", $"--Ciuic:Ledger:KeyDirectory={LedgerKeyFiles.Make(_folder.File("second"))}"], "second");

    [Fact]
    public async Task A_trainer_with_another_store_is_told_at_once_and_both_places()
    {
        await using var silo = await SiloProcess.StartAsync(_place, None);
        foreach (var run in new[] { "a", "new" })
        {
            var other = _folder.File($"store-of-{run}");
            var lines = await _cli.TrainAsync(ExitCode.Usage, run, 9, "--set", $"Ciuic:Store:Uri=file:{other}");
            var said = Assert.Single(lines, l => l.Contains("does not fit its silo", StringComparison.Ordinal));
            foreach (var part in new[] { other, _place.StorePath, (await IdAsync()).ToString() })
                Assert.Contains(part, said);
        }

        await silo.StopAsync(None);
    }

    [Fact]
    public async Task A_machine_that_was_told_of_commits_refuses_bucket_database_and_keys_that_were_all_put_back_behind_them()
    {
        var (store, silo) = (_folder.File("store-before"), _folder.File("silo-before"));
        Copy(_place.StorePath, store);
        Copy(Path.Combine(_place.Folder, "silo"), silo);
        await using (var running = await SiloProcess.StartAsync(_place, None))
        {
            await _cli.TrainAsync(ExitCode.Ok, "a", 12); // its resume has seen less than its commits
            await running.StopAsync(None);
        }

        foreach (var (from, to) in new[] { (store, _place.StorePath), (silo, Path.Combine(_place.Folder, "silo")) })
        {
            Directory.Delete(to, recursive: true);
            Copy(from, to);
        }

        File.SetUnixFileMode(Path.Combine(Keys, "main.blocks.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using var again = await SiloProcess.StartAsync(_place, None);
        var lines = await _cli.TrainAsync(ExitCode.Integrity, "a", 15);
        Assert.Contains(lines, l => l.Contains("was rolled back", StringComparison.Ordinal));
        await again.StopAsync(None);
    }

    private static void Copy(string from, string to)
    {
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(to, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    private async Task<BucketId> IdAsync() => (await BucketIdentity.FindAsync(new FileObjectStore(_place.StorePath), None))!.Id;

    /// <summary>Makes bucket and database what releases before have left.</summary>
    private async Task ForgetIdentityAsync(string andRun = "SELECT 1")
    {
        File.Delete(Identity);
        await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(_place.Folder, "silo", "ciuic.db")};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = $"DROP TABLE CiuicMemory; {andRun}";
        await command.ExecuteNonQueryAsync();
    }

    private async Task StartsAsync()
    {
        await using var silo = await SiloProcess.StartAsync(_place, None);
        await _cli.TrainAsync(ExitCode.Ok, "a", 9);
        await silo.StopAsync(None);
    }

    private async Task RefusedAsync(string[] settings, params string[] said)
    {
        await using var silo = ProgramRun.Silo([.. _place.SiloSettings, .. settings]);
        var code = await silo.ExitAsync();
        Assert.True(code == ExitCode.Usage, $"code {code}: {silo.Text}");
        var line = Assert.Single(silo.Lines);
        foreach (var part in said)
            Assert.Contains(part, line);
    }
}
