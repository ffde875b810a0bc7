using MessageStore.Keys;
using MessageStore.Tests.Support;

namespace MessageStore.Tests.Keys;

public sealed class JournalKeyManagerContractTests
{
    [Theory]
    [MemberData(nameof(KeyManagerContract.Rules), MemberType = typeof(KeyManagerContract))]
    public void The_embedded_key_manager_keeps_the_contract(string rule)
    {
        string folder = Path.GetFullPath("/db");
        var storage = new MemoryStorage();
        storage.CreateFolder(folder);
        JournalKeyManager.Create(storage, folder);
        KeyManagerContract.Check(rule, () => JournalKeyManager.Open(storage, folder, TimeProvider.System));
    }
}
