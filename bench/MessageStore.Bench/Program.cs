Console.Error.WriteLine("usage: MessageStore.Bench append");
return 2;
