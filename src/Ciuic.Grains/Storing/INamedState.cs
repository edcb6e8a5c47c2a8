namespace Ciuic.Grains;

/// <summary>
/// The state of a grain whose name people choose. It tells whose it is, because older versions may have stored it in a row that
/// several names shared.
/// </summary>
internal interface INamedState
{
    /// <summary>Whether it was stored by the grain of this name; false where that cannot be told.</summary>
    bool BelongsTo(string name);
}
