using System.ComponentModel.DataAnnotations;

namespace Ciuic.Silo;

/// <summary>Section <c>Ciuic:Database</c>.</summary>
internal sealed class DatabaseOptions
{
    /// <summary>The SQLite file with the grains' state, where there is no PostgreSQL; made at first start.</summary>
    [Required]
    public string Path { get; set; } = "artifacts/silo/ciuic.db";

    /// <summary>
    /// A connection string of Npgsql's: silos with the same one are a cluster. Empty: SQLite, a cluster of one. It may hold a
    /// password: environment variable <c>Ciuic__Database__PostgreSql</c>.
    /// </summary>
    public string PostgreSql { get; set; } = "";

    /// <summary>Whether a silo makes the tables in PostgreSQL where there are none. Default false: <c>ciuic silo init-db</c> does.</summary>
    public bool CreateSchema { get; set; }
}
