namespace MessageStore.Server.Tests.Remote;

/// <summary>The contract, in this process.</summary>
public sealed class EmbeddedStoreTests : StoreContractTests
{
    private protected override Task<IMessageStore> OpenAsync() => MessageDatabase.OpenAsync(Database);

    private protected override Task CloseAsync() => Task.CompletedTask;
}
