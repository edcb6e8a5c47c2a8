using System.Reflection;
using System.Runtime.CompilerServices;
using Ciuic.Client;
using Ciuic.Silo;
using Ciuic.Snapshots;
using Ciuic.Storage;
using Ciuic.Storage.S3;
using Microsoft.Extensions.Configuration;
using Orleans.Configuration;
using GatewayOptions = Ciuic.Gateway.GatewayOptions;
using SiloOptions = Ciuic.Silo.SiloOptions;

namespace Ciuic.Grains.Tests;

/// <summary>appsettings.json promises to document every option with its default; here it is held to that.</summary>
public sealed class SettingsFileTests
{
    /// <summary>Private keys come from the environment only; a line for them in a file would invite somebody to fill it in.</summary>
    private static readonly string[] Secrets = [nameof(LedgerOptions.BlocksKey), nameof(LedgerOptions.TreeHeadKey), nameof(S3Options.AccessKey), nameof(S3Options.SecretKey)];

    private static readonly Dictionary<string, Type> Options = new()
    {
        ["Silo"] = typeof(SiloOptions),
        ["Database"] = typeof(DatabaseOptions),
        ["Store"] = typeof(StoreOptions),
        ["S3"] = typeof(S3Options),
        ["WebHdfs"] = typeof(WebHdfsOptions),
        ["Ledger"] = typeof(LedgerOptions),
        ["Runs"] = typeof(RunOptions),
        ["Snapshots"] = typeof(SnapshotOptions),
        ["Scrub"] = typeof(ScrubOptions),
        ["Gateway"] = typeof(GatewayOptions),
        ["Client"] = typeof(ClientOptions),
        ["Save"] = typeof(SaveOptions),
        ["Ranks"] = typeof(RankOptions),
        ["Codec"] = typeof(CodecOptions),
    };

    private static readonly IConfiguration File = new ConfigurationBuilder().AddJsonFile(PathOfFile()).Build();

    public static TheoryData<string> Sections() => [.. Options.Keys];

    [Theory]
    [MemberData(nameof(Sections))]
    public void The_file_documents_every_option_of_a_section(string section)
    {
        var options = Settable(section).Select(p => p.Name).Order(StringComparer.Ordinal);
        var documented = Section(section).GetChildren().Select(c => c.Key).Order(StringComparer.Ordinal);
        Assert.Equal(options, documented);
    }

    [Theory]
    [MemberData(nameof(Sections))]
    public void Each_value_in_the_file_is_the_default(string section)
    {
        var (defaults, bound) = (New(section), New(section));
        Section(section).Bind(bound);
        // Where silos are is no secret of the code's: without the file it must be said, and the mode follows from it.
        foreach (var option in Settable(section).Where(p => p.Name is not (nameof(ClientOptions.Gateways) or nameof(ClientOptions.Mode))))
            Assert.Equal((option.Name, option.GetValue(defaults)), (option.Name, option.GetValue(bound)));
    }

    [Fact]
    public void The_file_the_strict_reader_and_the_classes_know_the_same_sections()
    {
        var names = Options.Keys.Order(StringComparer.Ordinal).ToList();
        Assert.Equal(names, StrictSettings.Sections.Order(StringComparer.Ordinal));
        Assert.Equal(names, File.GetSection(StrictSettings.Root).GetChildren().Select(s => s.Key).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void What_the_file_says_of_the_runtime_is_what_a_silo_does_without_it()
    {
        var (membership, reminders) = (new ClusterMembershipOptions(), new ReminderOptions());
        OrleansSettings.Tune(membership);
        OrleansSettings.Tune(reminders);
        var file = File.GetSection(OrleansSettings.Section);
        var read = StrictSettings.Bind(file.GetSection("ClusterMembership"), new ClusterMembershipOptions());
        Assert.Equivalent(membership, read);
        Assert.Equivalent(reminders, StrictSettings.Bind(file.GetSection("Reminder"), new ReminderOptions()));
        Assert.NotEqual(new ClusterMembershipOptions().ProbeTimeout, read.ProbeTimeout);
    }

    [Fact]
    public void No_class_of_options_is_forgotten_here()
    {
        var classes = Options.Values.Select(type => type.Assembly).Distinct()
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal))
            .Except([typeof(RetryOptions)]) // a record of a decorator's, no section
            .ToHashSet();
        Assert.Equal(Options.Values.ToHashSet(), classes);
    }

    private static IConfigurationSection Section(string name) => File.GetSection($"{StrictSettings.Root}:{name}");

    private static object New(string section) => Activator.CreateInstance(Options[section])!;

    private static IEnumerable<PropertyInfo> Settable(string section) => Options[section]
        .GetProperties()
        .Where(p => p.SetMethod is { IsPublic: true } && !Secrets.Contains(p.Name));

    private static string PathOfFile([CallerFilePath] string source = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(source)!, "..", "..", "appsettings.json"));
}
