using System.Net;
using System.Security.Cryptography.X509Certificates;
using MessageStore.Server.Intake;

namespace MessageStore.Server.Serving;

/// <summary>The settings of mail coming in; each is described in <c>docs/server.md</c>.</summary>
internal static class IntakeConfiguration
{
    public static IntakeSettings Read(ConfigurationReader root)
    {
        ConfigurationReader limits = root.Section("Limits"), recipients = root.Section("Recipients"), tls = root.Section("Tls");
        var byDefault = new IntakeLimits();
        X509Certificate2? certificate = Certificates.Read(tls);
        bool allowPlaintext = root.Flag("AllowPlaintext", false);
        IReadOnlyDictionary<string, string> users = root.Map("Users", (reader, name) => reader.Text(name, ""));
        foreach ((string name, string hash) in users) if (!PasswordHash.IsValid(hash)) root.Refuse($"Users:{name}", "is no password hash; make one with 'messagestored hash'.");
        var settings = new IntakeSettings
        {
            HostName = root.Text("HostName", Environment.MachineName),
            Journal = root.Flag("Journal", false),
            Listeners = Listeners(root.Section("Listen"), certificate is not null, allowPlaintext),
            Certificate = certificate,
            Users = users,
            Limits = new IntakeLimits
            {
                MessageBytes = limits.Number(nameof(byDefault.MessageBytes), byDefault.MessageBytes, 1, int.MaxValue),
                Recipients = (int)limits.Number(nameof(byDefault.Recipients), byDefault.Recipients, 1, 100_000),
                LineBytes = (int)limits.Number(nameof(byDefault.LineBytes), byDefault.LineBytes, 1000, int.MaxValue),
                Sessions = (int)limits.Number(nameof(byDefault.Sessions), byDefault.Sessions, 1, 1_000_000),
                SessionsPerAddress = (int)limits.Number(nameof(byDefault.SessionsPerAddress), byDefault.SessionsPerAddress, 1, 1_000_000),
                MessagesAtOnce = (int)limits.Number(nameof(byDefault.MessagesAtOnce), byDefault.MessagesAtOnce, 1, 100_000),
                PlaceTime = limits.Duration(nameof(byDefault.PlaceTime), byDefault.PlaceTime),
                Commands = (int)limits.Number(nameof(byDefault.Commands), byDefault.Commands, 10, int.MaxValue),
                Errors = (int)limits.Number(nameof(byDefault.Errors), byDefault.Errors, 1, int.MaxValue),
                IdleTime = limits.Duration(nameof(byDefault.IdleTime), byDefault.IdleTime),
                DataIdleTime = limits.Duration(nameof(byDefault.DataIdleTime), byDefault.DataIdleTime),
                MessageTime = limits.Duration(nameof(byDefault.MessageTime), byDefault.MessageTime),
                BytesPerSecond = (int)limits.Number(nameof(byDefault.BytesPerSecond), byDefault.BytesPerSecond, 0, int.MaxValue),
            },
            Recipients = new RecipientOptions
            {
                Domains = recipients.List("Domains"),
                Unknown = recipients.Choice("Unknown", UnknownRecipients.Refuse),
                Naming = recipients.Choice("Naming", MailboxNaming.Address),
                Separator = recipients.Text("Separator", "+"),
                Aliases = recipients.Map("Aliases", (reader, name) => Targets(reader, name)),
            },
        };
        foreach (ConfigurationReader section in (ConfigurationReader[])[limits, recipients, tls]) section.RefuseTheRest();
        return settings;
    }

    private static List<IntakeOptions> Listeners(ConfigurationReader listen, bool hasTls, bool allowPlaintext)
    {
        var listeners = new List<IntakeOptions>();
        foreach (IntakeProtocol protocol in Enum.GetValues<IntakeProtocol>())
        {
            foreach (IPEndPoint address in listen.Addresses(protocol.ToString()))
            {
                bool isPlain = allowPlaintext || IPAddress.IsLoopback(address.Address);
                if (!hasTls && !isPlain) listen.Refuse(protocol.ToString(), $"is {address}, which others can reach: name a certificate (Tls:Certificate), or set AllowPlaintext to true.");
                if (!hasTls && protocol == IntakeProtocol.Submission) listen.Refuse(protocol.ToString(), "needs a certificate (Tls:Certificate): passwords are taken over TLS only.");
                listeners.Add(new IntakeOptions { Protocol = protocol, Address = address, AllowPlaintext = isPlain && protocol != IntakeProtocol.Submission, AddTrace = protocol != IntakeProtocol.Lmtp });
            }
        }
        listen.RefuseTheRest();
        return listeners;
    }

    private static IReadOnlyList<string> Targets(ConfigurationReader aliases, string name)
    {
        IReadOnlyList<string> targets = aliases.List(name);
        if (targets.Count == 0) aliases.Refuse(name, "leads to nobody.");
        foreach (string target in targets) if (MailAddress.TryParse(target, allowUnicode: true) is null) aliases.Refuse(name, $"leads to '{target}', which is no address.");
        return targets;
    }
}
