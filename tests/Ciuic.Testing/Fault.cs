namespace Ciuic.Testing;

/// <summary>How a write goes wrong.</summary>
public enum Fault
{
    /// <summary>Nothing was written; the caller is told so by an error.</summary>
    FailsBefore = 1,

    /// <summary>It was written; the caller gets an error all the same.</summary>
    FailsAfter,

    /// <summary>It was written much later, when the caller had given up.</summary>
    LandsLate,
}
