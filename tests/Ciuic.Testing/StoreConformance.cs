using Ciuic.Core;
using Ciuic.Storage;
using Xunit;

namespace Ciuic.Testing;

/// <summary>What every store must do; each store's test class inherits it.</summary>
public abstract class StoreConformance
{
    private static readonly CancellationToken None = CancellationToken.None;
    private static readonly ObjectKey Key = new("folder/object");

    protected abstract IObjectStore Store { get; }

    public static TheoryData<string> Promises() => [.. StoreChecks.All.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task The_store_keeps_the_promise(string promise) =>
        await StoreChecks.All.Single(c => c.Name == promise).RunAsync(new CheckPlace(Store, "checks/"), None);

    [Fact]
    public async Task The_list_of_everything_has_everything()
    {
        foreach (var path in new[] { "a/1", "b" })
            await Store.CreateAsync(new ObjectKey(path), Bytes(1, 1), None);
        var paths = new List<string>();
        await foreach (var found in Store.ListAsync("", None))
            paths.Add(found.Key.Path);
        Assert.Equal(["a/1", "b"], paths.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/a")]
    [InlineData("a/")]
    [InlineData("a//b")]
    [InlineData("../a")]
    [InlineData("a/./b")]
    [InlineData("a\\b")]
    [InlineData("a b")]
    [InlineData("~tmp/x")]
    public void What_is_no_key_is_refused(string path) =>
        Assert.Throws<InvalidInputException>(() => new ObjectKey(path));

    [Fact]
    public async Task A_cancelled_call_ends() => await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
        Store.CreateAsync(Key, Bytes(1, 10), new CancellationToken(canceled: true)));

    protected static byte[] Bytes(int value, int count) => Enumerable.Repeat((byte)value, count).ToArray();
}
