namespace Ciuic.Chaos;

/// <summary>What can be broken.</summary>
internal enum FaultKind
{
    /// <summary>SIGKILL for a silo, which is started again.</summary>
    SiloKilled = 1,

    /// <summary>A silo stands still for some seconds, longer than the others believe in it or not.</summary>
    SiloPaused,

    /// <summary>SIGKILL for one rank of a run.</summary>
    RankKilled,

    /// <summary>SIGKILL for the S3 gateway, which is started again.</summary>
    GatewayKilled,

    /// <summary>SIGKILL for the database, which is started again.</summary>
    DatabaseKilled,

    /// <summary>The store does not answer for some seconds.</summary>
    StorePaused,

    /// <summary>The store is slow for some seconds.</summary>
    StoreSlow,

    /// <summary>Connections to the store are cut for some seconds, in the middle of requests and answers.</summary>
    StoreFailing,

    /// <summary>A silo reaches nothing and nobody for some seconds. Only where network namespaces can be made.</summary>
    SiloCutOff,

    /// <summary>Two silos do not reach each other for some seconds, but everything else. Only where network namespaces can be made.</summary>
    SilosSplit,

    /// <summary>A person rolls a run back to an older snapshot, under the feet of who trains it.</summary>
    RunRolledBack,
}
