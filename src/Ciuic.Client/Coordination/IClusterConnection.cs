namespace Ciuic.Client;

/// <summary>A way to the grains that may not be there yet.</summary>
internal interface IClusterConnection : IAsyncDisposable
{
    /// <summary>Where silos are looked for, for messages.</summary>
    string Address { get; }

    /// <summary>The grains, once a silo has answered for the first time.</summary>
    IGrainFactory? Grains { get; }

    /// <summary>Looks for a silo, however long it takes.</summary>
    Task ConnectAsync(CancellationToken cancel);
}
