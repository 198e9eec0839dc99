-- Takes the quick command line where the CPU is emulated, which QEMU's says in its name. One that
-- does not, as VirtualBox's interpreter, can be named in the SMBIOS: a system family "emulated".
-- string.find of this Lua finds nothing, ever.
local cpu = require "cpu"
local dmi = require "dmi"
local syslinux = require "syslinux"

local family = ""
if dmi.supported() then
  family = dmi.gettable()["system"]["family"] or ""
end
if string.match(family, "^emulated") or string.match(cpu.flags()["model"], "TCG") then
  syslinux.run_command("emulated")
else
  syslinux.run_command("real")
end
