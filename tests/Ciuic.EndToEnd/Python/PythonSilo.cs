using Ciuic.Testing;
using Ciuic.Trainer;

namespace Ciuic.EndToEnd;

/// <summary>A silo whose gateway Python programs reach with the key that it has left.</summary>
public abstract class PythonSilo : IAsyncLifetime
{
    private protected TemporaryFolder Folder { get; } = new();

    private protected DemoPlace Place { get; private set; } = null!;

    private protected SiloProcess? Silo { get; set; }

    public async ValueTask InitializeAsync()
    {
        Required.Need("python", PythonProgram.Missing());
        Place = DemoPlace.Open(Folder.File("place")) with { ApiPort = FreePorts.Take(1)[0] };
        Silo = await SiloProcess.StartAsync(Place, CancellationToken.None);
        while (!File.Exists(Place.ApiKeyFile))
            await Task.Delay(20);
    }

    public async ValueTask DisposeAsync()
    {
        if (Silo is not null)
            await Silo.DisposeAsync();
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }
}
