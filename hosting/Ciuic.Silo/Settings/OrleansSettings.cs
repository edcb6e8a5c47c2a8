using Ciuic.Core;
using Ciuic.Storage;
using Microsoft.Extensions.Configuration;
using Orleans.Configuration;
using Orleans.Hosting;

namespace Ciuic.Silo;

/// <summary>
/// Section <c>Orleans</c>: the runtime's own options in its own words, over our defaults. Where silos keep their membership and
/// state, and where they listen, is said in section <c>Ciuic</c>.
/// </summary>
internal static class OrleansSettings
{
    public const string Section = "Orleans";

    /// <summary>Names of the runtime's classes of options. Shorter ones mean something else to it: <c>Reminders</c> is a provider.</summary>
    private static readonly string[] Sections = ["ClusterMembership", "SiloMessaging", "GrainCollection", "Reminder"];

    /// <summary>
    /// A silo that was killed is declared dead after two missed probes: within seconds, where Orleans' defaults take up to half a
    /// minute, because saves in flight wait for it. A silo that only paused is declared dead too, ends itself when it learns of it,
    /// and is started again by its supervisor; ETags and fencing hold meanwhile.
    /// </summary>
    public static void Tune(ClusterMembershipOptions options)
    {
        options.ProbeTimeout = TimeSpan.FromSeconds(1);
        options.NumMissedProbesLimit = 2;
        options.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
    }

    /// <summary>
    /// A silo that starts while the database is away reads its reminders at the second try, within half a minute, and from then on
    /// only this often; by default that is five minutes, in which a snapshot that everybody has left is looked after by nobody.
    /// </summary>
    public static void Tune(ReminderOptions options) => options.RefreshReminderListPeriod = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Every snapshot is a grain, and hardly one is asked for again: a million remembered addresses, the runtime's default, would be
    /// half a gigabyte of them. These are enough for more runs than one silo serves.
    /// </summary>
    public static void Tune(GrainDirectoryOptions options) => options.CacheSize = 50_000;

    /// <summary>Sets our defaults, and over them what the settings say.</summary>
    /// <exception cref="InvalidInputException">A section or key is unknown, or a value is malformed.</exception>
    public static void AddTo(ISiloBuilder silo, IConfiguration configuration)
    {
        Check(configuration);
        silo.Configure<ClusterMembershipOptions>(o => Over(o, "ClusterMembership", Tune));
        silo.Configure<GrainDirectoryOptions>(Tune);
        silo.Configure<ReminderOptions>(o => Over(o, "Reminder", Tune));
        silo.Configure<SiloMessagingOptions>(o => Over(o, "SiloMessaging", _ => { }));
        silo.Configure<GrainCollectionOptions>(o => Over(o, "GrainCollection", _ => { }));

        void Over<T>(T options, string section, Action<T> tune)
            where T : class
        {
            tune(options);
            StrictSettings.Bind(configuration.GetSection($"{Section}:{section}"), options);
        }
    }

    /// <summary>Says at once what is wrong, not when the runtime first looks at it.</summary>
    private static void Check(IConfiguration configuration)
    {
        foreach (var child in configuration.GetSection(Section).GetChildren())
        {
            if (!Sections.Contains(child.Key, StringComparer.OrdinalIgnoreCase) || child.Value is not null)
            {
                throw new InvalidInputException(
                    $"{child.Path} is not set here; {Section} has {string.Join(", ", Sections)}. Names, addresses and the database of silos "
                    + "are in Ciuic:Silo and Ciuic:Database.");
            }
        }

        StrictSettings.Bind(configuration.GetSection($"{Section}:ClusterMembership"), new ClusterMembershipOptions());
        StrictSettings.Bind(configuration.GetSection($"{Section}:Reminder"), new ReminderOptions());
        StrictSettings.Bind(configuration.GetSection($"{Section}:SiloMessaging"), new SiloMessagingOptions());
        StrictSettings.Bind(configuration.GetSection($"{Section}:GrainCollection"), new GrainCollectionOptions());
    }
}
