namespace Ciuic.Core;

/// <summary>How two elements are told apart. The numbers are on disk; never reuse one.</summary>
public enum DeltaOperation : byte
{
    /// <summary>
    /// As integers: the difference, with its sign moved to the lowest bit, so that small ones of both signs have zeros
    /// above. Numbers that moved a little keep their exponent and differ in few low bits.
    /// </summary>
    Difference = 1,

    /// <summary>Exclusive or: best where a few elements are other ones, and the rest the same.</summary>
    Xor = 2,
}
