using Ciuic.Core;

namespace Ciuic.Snapshots;

/// <summary>Policies in files.</summary>
public static class PolicyFiles
{
    /// <summary>Reads a tlog-policy file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or is no policy; the message names file and line.</exception>
    public static TlogPolicy Read(string path)
    {
        try
        {
            return TlogPolicy.Parse(File.ReadAllText(path));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidInputException)
        {
            throw new InvalidInputException($"The policy file '{path}' cannot be used: {error.Message}", error);
        }
    }
}
