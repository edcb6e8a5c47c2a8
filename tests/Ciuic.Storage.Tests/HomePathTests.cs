using Microsoft.Extensions.Configuration;

namespace Ciuic.Storage.Tests;

public sealed class HomePathTests
{
    private static string Home => Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);

    [Fact]
    public void The_wave_is_the_home_wherever_a_path_is_set()
    {
        Assert.Equal($"{Home}/data", HomePath.Expand("~/data"));
        Assert.Equal(Home, HomePath.Expand("~"));
        Assert.Equal($"file:{Home}/data", HomePath.Expand("file:~/data"));
        Assert.Equal($"file:{Home}/data", Read("Uri", "file:~/data").Uri);
        Assert.Equal($"{Home}/authorities.pem", StrictSettings.Bind(Section("CaFile", "~/authorities.pem"), new WebHdfsOptions()).CaFile);
    }

    [Theory]
    [InlineData("a~b")]
    [InlineData("~someone/data")]
    [InlineData("file:data/~")]
    [InlineData("s3://bucket/~/x")]
    [InlineData("")]
    public void Anything_else_is_left_alone(string text) => Assert.Equal(text, HomePath.Expand(text));

    private static StoreOptions Read(string name, string value) => StrictSettings.Bind(Section(name, value), new StoreOptions());

    private static IConfigurationSection Section(string name, string value) => new ConfigurationBuilder()
        .AddInMemoryCollection(new Dictionary<string, string?> { [$"S:{name}"] = value }).Build().GetSection("S");
}
