namespace Ciuic.Silo;

/// <summary>Why a silo that was running ends, where that is for an error.</summary>
internal sealed class SiloEnd
{
    public Exception? Error { get; set; }
}
