using Ciuic.Contracts;
using Ciuic.Core;
using Ciuic.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ciuic.Gateway.Tests;

public sealed class LocalKeyTests(CiuicCluster cluster) : IClassFixture<CiuicCluster>
{
    private IAccessGrain Access => cluster.Grains.GetGrain<IAccessGrain>(IAccessGrain.Key);

    [Fact]
    public async Task A_key_is_left_for_its_user_alone_kept_while_it_is_good_and_replaced_when_it_is_not()
    {
        using var folder = new TemporaryFolder();
        var path = folder.File("keys/local.key");
        await StartAsync(path, () => File.Exists(path));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        var first = ApiKey.TryParse(await File.ReadAllTextAsync(path))!;
        Assert.True(await IsGoodAsync(first));

        await StartAsync(path, () => true);
        Assert.Equal(first.Reveal(), (await File.ReadAllTextAsync(path)).Trim());

        await Access.RevokeAsync(first.Id);
        await StartAsync(path, () => ApiKey.TryParse(File.ReadAllText(path))!.Id != first.Id);
        Assert.True(await IsGoodAsync(ApiKey.TryParse(await File.ReadAllTextAsync(path))!));
    }

    [Fact]
    public async Task Where_it_cannot_be_written_no_keys_pile_up()
    {
        var before = (await Access.DescribeAsync()).Keys.Length;
        var file = New("/dev/null/local.key");
        await file.StartedAsync(CancellationToken.None);
        await Task.Delay(5_000); // three tries
        await file.StoppingAsync(CancellationToken.None);
        Assert.Equal(before, (await Access.DescribeAsync()).Keys.Length);
    }

    private LocalKeyFile New(string path) => new(
        new GatewayOptions { LocalKeyFile = path }, cluster.Grains, TimeProvider.System, NullLogger<LocalKeyFile>.Instance);

    private async Task StartAsync(string path, Func<bool> until)
    {
        var file = New(path);
        await file.StartedAsync(CancellationToken.None);
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!until())
            await Task.Delay(20, deadline.Token);
        await file.StoppingAsync(CancellationToken.None);
    }

    private async Task<bool> IsGoodAsync(ApiKey key) =>
        (await Access.DescribeAsync()).Keys.Any(k => k.Id == key.Id && k.RevokedAt is null && key.Fits(k.Hash));
}
