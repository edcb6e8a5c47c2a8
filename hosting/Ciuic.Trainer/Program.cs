using Ciuic.Trainer;

return await TrainerCommands.InvokeAsync(args);
