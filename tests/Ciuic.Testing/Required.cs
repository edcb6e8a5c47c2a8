using Xunit;

namespace Ciuic.Testing;

/// <summary>
/// Programs and servers that tests need and that not every machine has. Where one is missing its tests are skipped
/// visibly; where <c>CIUIC_TEST_REQUIRE</c> (names, comma between them) asks for it they fail: CI must not pass because
/// something was not installed.
/// </summary>
public static class Required
{
    private const string Variable = "CIUIC_TEST_REQUIRE";

    /// <summary>All there are. Another name in the variable is a typing error that would require nothing.</summary>
    private static readonly string[] Names = ["go", "mount", "s3", "postgres", "python", "browser", "newer-ceph"];

    /// <summary>Ends the test that calls it where a thing is missing: skipped, or failed where it is required.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="missing">What is missing and how to get it; null where everything is there.</param>
    public static void Need(string name, string? missing)
    {
        Assert.Contains(name, Names);
        var required = (Environment.GetEnvironmentVariable(Variable) ?? "")
            .Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        Assert.All(required, r => Assert.Contains(r, Names));
        if (required.Contains(name) && missing is not null)
            Assert.Fail($"{Variable} asks for '{name}': {missing}");
        Assert.SkipUnless(missing is null, $"{name}: {missing}");
    }
}
