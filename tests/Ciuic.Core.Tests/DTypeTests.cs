using Ciuic.Core;

namespace Ciuic.Core.Tests;

public sealed class DTypeTests
{
    [Theory]
    [InlineData("uint8", 1, 1)]
    [InlineData("int8", 1, 1)]
    [InlineData("int16", 2, 2)]
    [InlineData("int32", 4, 4)]
    [InlineData("int64", 8, 8)]
    [InlineData("float16", 2, 2)]
    [InlineData("bfloat16", 2, 2)]
    [InlineData("float32", 4, 4)]
    [InlineData("float64", 8, 8)]
    [InlineData("complex64", 8, 4)]
    [InlineData("complex128", 16, 8)]
    [InlineData("bool", 1, 1)]
    [InlineData("uint16", 2, 2)]
    [InlineData("uint32", 4, 4)]
    [InlineData("uint64", 8, 8)]
    [InlineData("complex32", 4, 2)]
    [InlineData("float8_e4m3fn", 1, 1)]
    [InlineData("float8_e5m2", 1, 1)]
    [InlineData("float8_e4m3fnuz", 1, 1)]
    [InlineData("float8_e5m2fnuz", 1, 1)]
    [InlineData("float8_e8m0fnu", 1, 1)]
    [InlineData("float4_e2m1fn_x2", 1, 1)]
    [InlineData("bits8", 1, 1)]
    [InlineData("bits16", 2, 2)]
    [InlineData("bits1x8", 1, 1)]
    [InlineData("bits2x4", 1, 1)]
    [InlineData("bits4x2", 1, 1)]
    public void Element_types_have_the_names_and_sizes_of_PyTorch(string name, int size, int number)
    {
        Assert.True(DTypes.TryParse(name, out var dtype));
        Assert.Equal((name, size, number), (dtype.Name(), dtype.Size(), dtype.NumberSize()));
    }

    [Fact]
    public void Every_element_type_is_found_by_its_name_and_nothing_else_is()
    {
        Assert.All(Enum.GetValues<DType>(), d => Assert.True(DTypes.TryParse(d.Name(), out var found) && found == d));
        Assert.All(["Float32", "float8e5m2", "1", "", "quint8"], name => Assert.False(DTypes.TryParse(name, out _), name));
    }
}
