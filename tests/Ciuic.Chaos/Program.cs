return await Ciuic.Chaos.ChaosCommandLine.InvokeAsync(args);
