return await Ciuic.Benchmarks.BenchmarkCommandLine.InvokeAsync(args);
