using Ciuic.Core;

namespace Ciuic.Core.Tests;

public sealed class NonFiniteTests
{
    public static TheoryData<DType, byte[]> EveryNonFinite => new()
    {
        { DType.Float16, BitConverter.GetBytes(Half.NaN) },
        { DType.Float16, BitConverter.GetBytes(Half.NegativeInfinity) },
        { DType.BFloat16, [0xC0, 0x7F] },
        { DType.BFloat16, [0x80, 0xFF] },
        { DType.Float32, BitConverter.GetBytes(float.NaN) },
        { DType.Float32, BitConverter.GetBytes(float.PositiveInfinity) },
        { DType.Float64, BitConverter.GetBytes(double.NaN) },
        { DType.Float64, BitConverter.GetBytes(double.NegativeInfinity) },
        { DType.Complex64, [0, 0, 0, 0, .. BitConverter.GetBytes(float.NaN)] },
        { DType.Complex128, [.. BitConverter.GetBytes(double.NaN), 0, 0, 0, 0, 0, 0, 0, 0] },
    };

    [Theory]
    [MemberData(nameof(EveryNonFinite))]
    public void One_is_found_wherever_it_stands(DType dtype, byte[] value)
    {
        for (var count = 1; count < 40; count++)
        {
            for (var at = 0; at < count; at++)
            {
                var bytes = new byte[count * value.Length];
                value.CopyTo(bytes, at * value.Length);
                Assert.True(NonFinite.IsIn(bytes, dtype));
            }
        }
    }

    [Fact]
    public void The_largest_numbers_and_all_integers_are_finite()
    {
        Assert.False(NonFinite.IsIn([.. BitConverter.GetBytes(float.MaxValue), .. BitConverter.GetBytes(float.MinValue)], DType.Float32));
        Assert.False(NonFinite.IsIn(BitConverter.GetBytes(double.MaxValue), DType.Float64));
        Assert.False(NonFinite.IsIn(BitConverter.GetBytes(Half.MaxValue), DType.Float16));
        Assert.False(NonFinite.IsIn(Enumerable.Repeat((byte)0xFF, 100).ToArray(), DType.Int64));
        Assert.False(NonFinite.IsIn([], DType.Float32));
    }
}
