namespace Ciuic.Core;

/// <summary>Signature types of C2SP signed-note; the numbers are part of key ids.</summary>
public enum KeyAlgorithm : byte
{
    /// <summary>Ed25519 over the note's text.</summary>
    Ed25519 = 0x01,

    /// <summary>Ed25519 over a time and the note's text: a witness's cosignature/v1.</summary>
    Ed25519Cosignature = 0x04,
}
