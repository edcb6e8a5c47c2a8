namespace Ciuic.Core;

/// <summary>One signature line of a note.</summary>
/// <param name="Name">Who claims to have signed.</param>
/// <param name="KeyId">Which of the signer's keys.</param>
/// <param name="Signature">The bytes behind the key id.</param>
public sealed record NoteSignature(string Name, uint KeyId, byte[] Signature);
