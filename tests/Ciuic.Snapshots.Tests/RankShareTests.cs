using Ciuic.Core;
using Ciuic.Testing;

namespace Ciuic.Snapshots.Tests;

/// <summary>What ranks store of what they have alike.</summary>
public sealed class RankShareTests
{
    [Fact]
    public void Each_tensor_is_stored_by_one_rank_and_a_weight_lies_with_its_moments()
    {
        var items = Layers().Items;
        var shares = Enumerable.Range(0, 3).Select(r => RankShare.Of(items, new Rank(r), 3)).ToList();
        Assert.Single(shares.Select(s => s.Replicated).Distinct());
        var stored = shares.SelectMany((s, r) => s.Items.SelectMany(i => i.Tensors.Select(t => (t.Name, Rank: r)))).ToList();
        Assert.Equal(items.SelectMany(i => i.Tensors).Select(t => t.Name).Order(), stored.Select(t => t.Name).Order());
        for (var i = 0; i < 4; i++)
            Assert.Single(stored.Where(t => t.Name == $"layers.{i}.weight" || t.Name.StartsWith($"{i}.", StringComparison.Ordinal)).Select(t => t.Rank).Distinct());
    }

    [Fact]
    public void Ranks_whose_optimizers_have_stepped_other_weights_store_everything_or_do_not_agree()
    {
        var (items, steps) = Layers();
        var first = RankShare.Of(items, new Rank(0), 2);
        var disagreements = 0;
        for (var stepped = 0; stepped < 1 << steps.Count; stepped++)
        {
            IReadOnlyList<ItemState> others = [items[0], items[1] with { Steps = [.. steps.Where((_, i) => (stepped >> i & 1) != 0)] }];
            var second = RankShare.Of(others, new Rank(1), 2);
            var stored = first.Items.Concat(second.Items).SelectMany(i => i.Tensors).Select(t => t.Name).Order();
            var isWhole = stored.SequenceEqual(items.SelectMany(i => i.Tensors).Select(t => t.Name).Order());
            Assert.True(isWhole || first.Replicated != second.Replicated, $"{stepped:b}: a tensor is stored by nobody or twice, and they agree");
            disagreements += isWhole ? 0 : 1;
        }

        Assert.InRange(disagreements, 1, (1 << steps.Count) - 2);
    }

    private static (IReadOnlyList<ItemState> Items, IReadOnlyList<AdamStep> Steps) Layers()
    {
        var items = AdamTensors.Items(Enumerable.Range(0, 4).Select(i => new AdamTensors(i, 4 + i, 8)).ToArray());
        return (items, items[1].Steps);
    }
}
