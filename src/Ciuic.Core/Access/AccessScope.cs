namespace Ciuic.Core;

/// <summary>What a key may do with the runs it is for; each includes the ones before.</summary>
public enum AccessScope
{
    /// <summary>Look and restore.</summary>
    Read = 1,

    /// <summary>Train: open runs and save.</summary>
    Write,

    /// <summary>Change what is there: roll back, tag, pin.</summary>
    Admin,
}
