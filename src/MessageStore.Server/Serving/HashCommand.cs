using System.CommandLine;
using MessageStore.Server.Intake;

namespace MessageStore.Server.Serving;

/// <summary><c>messagestored hash</c>: makes of a password what the configuration keeps.</summary>
internal static class HashCommand
{
    public static Command Create()
    {
        var command = new Command("hash", "Read a password from the input and print its hash for Users in the configuration.");
        command.SetAction(async (_, cancellationToken) =>
        {
            if (await Console.In.ReadLineAsync(cancellationToken).ConfigureAwait(false) is not { Length: > 0 } password) return 1;
            await Console.Out.WriteLineAsync(PasswordHash.Create(password)).ConfigureAwait(false);
            return 0;
        });
        return command;
    }
}
