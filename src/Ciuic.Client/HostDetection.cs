namespace Ciuic.Client;

/// <summary>
/// Whether this program runs in a generic host, which answers signals itself: it stops its services in order, and an exit in the middle of
/// one would take that from the others.
/// </summary>
internal static class HostDetection
{
    private const string Hosting = "Microsoft.Extensions.Hosting";

    /// <summary>Nothing of Ciuic's client loads that library: where it is loaded, the program has built a host.</summary>
    public static bool IsInHost => AppDomain.CurrentDomain.GetAssemblies().Any(a => a.GetName().Name == Hosting);
}
