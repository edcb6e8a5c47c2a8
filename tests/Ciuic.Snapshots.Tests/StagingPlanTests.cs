using Ciuic.Core;
using Ciuic.Testing;
using CsCheck;

namespace Ciuic.Snapshots.Tests;

public sealed class StagingPlanTests
{
    [Fact]
    public void Windows_hold_all_chunks_in_order_within_the_budget_and_what_is_copied_is_the_state() =>
        Gen.Select(Gen.Int[0, 300].Array[1, 8], Gen.Int[1, 8], Gen.Int[128, 3_000]).Sample((elements, chunk, budget) =>
        {
            ItemState[] items =
            [
                new("model", [.. elements.Select((n, i) => ArrayTensor.Random($"t{i}", n, i))], [KeyValuePair.Create("b", new byte[] { 1, 2, 3 })], []),
            ];
            var plan = StagingPlan.Of(items, 16 * chunk);
            var content = items[0].Tensors.SelectMany(t => ((ArrayTensor)t).Content).Concat(items[0].Bytes[0].Value).ToArray();
            using var arena = new StagingArena(budget);
            var (next, copied) = (0, new List<byte>());
            foreach (var window in plan.Windows(budget))
            {
                Assert.Equal(next, window.First);
                next += window.Count;
                arena.Reserve(budget);
                var staged = StagedShard.Stage(arena, plan, window);
                for (var i = window.First; i < next; i++)
                    copied.AddRange(staged.Content(plan.Chunks[i]).Span);
            }

            Assert.Equal(plan.Chunks.Count, next);
            Assert.Equal(content, copied);
        }, threads: 1);

    [Fact]
    public void What_does_not_fit_says_what_to_do()
    {
        var plan = StagingPlan.Of([new ItemState("model", [ArrayTensor.Random("t", 1_000, 1)], [], [])], 1 << 10);
        var error = Assert.Throws<InvalidInputException>(() => plan.Windows(1_000));
        Assert.Contains("raise Ciuic:Save:MaxStagingBytes", error.Message);
        plan = StagingPlan.Of([new ItemState("model", [ArrayTensor.Random("t", 1_000, 1)], [], [])], 1_001); // ends within numbers
        Assert.Throws<InvalidInputException>(() => plan.Windows(2_000));
    }
}
