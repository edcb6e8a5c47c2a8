using System.ComponentModel.DataAnnotations;

namespace Ciuic.Silo;

/// <summary>Section <c>Ciuic:Database</c>.</summary>
internal sealed class DatabaseOptions
{
    /// <summary>The SQLite file with the grains' state; made at first start.</summary>
    [Required]
    public string Path { get; set; } = "artifacts/silo/ciuic.db";
}
