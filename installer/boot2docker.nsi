; The installer for Windows, built by `installer/build`. What is more than copying is done by
; setup_steps.py, with the Python that is installed: NSIS cuts a PATH at 1024 letters.
; Silent: boot2docker-py-VERSION-setup.exe /S /D=C:\a folder   (/D last, without quotes)

; Of 64 bit, as the Python is; and Wine without its half of 32 bit runs it.
Target amd64-unicode
Unicode true
!ifdef COMPRESSOR
  SetCompressor ${COMPRESSOR}
!else
  SetCompressor /SOLID lzma
!endif
RequestExecutionLevel user
!include MUI2.nsh
!include x64.nsh
!include WinVer.nsh

!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\boot2docker-py"
!define STEPS '"$INSTDIR\python\python.exe" "$INSTDIR\python\setup_steps.py"'

Name "Boot2Docker ${VERSION}"
OutFile "${OUTPUT}"
InstallDir "$LOCALAPPDATA\Programs\boot2docker"
InstallDirRegKey HKCU "${UNINSTALL}" "InstallLocation"
ShowInstDetails show
BrandingText "boot2docker-py ${VERSION}"

!insertmacro MUI_PAGE_LICENSE "${LICENSE}"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

!macro Fail WORDS
  DetailPrint "${WORDS}"
  MessageBox MB_OK|MB_ICONSTOP "${WORDS}" /SD IDOK
  SetErrorLevel 2
  Abort
!macroend

Function .onInit
  ${IfNot} ${RunningX64}
  ${OrIfNot} ${AtLeastWin7}
    MessageBox MB_OK|MB_ICONSTOP "Boot2Docker needs a Windows of 64 bit, 7 or later." /SD IDOK
    SetErrorLevel 2
    Abort
  ${EndIf}
FunctionEnd

Section
  ${If} ${FileExists} "$INSTDIR\python\setup_steps.py"
    DetailPrint "Stopping what runs of the version before..."
    nsExec::ExecToLog '${STEPS} stop'
    Pop $0
  ${ElseIf} ${FileExists} "$INSTDIR\python\*.*"
    !insertmacro Fail "There is a folder $INSTDIR\python that is not ours. Choose another folder."
  ${EndIf}
  ; A folder whose programs run cannot be renamed: then nothing has been changed.
  ClearErrors
  ${If} ${FileExists} "$INSTDIR\python\*.*"
    RMDir /r "$INSTDIR\python.old"
    Rename "$INSTDIR\python" "$INSTDIR\python.old"
    ${If} ${Errors}
      !insertmacro Fail "Boot2Docker is in use. Close its windows and shells, then try again."
    ${EndIf}
  ${EndIf}

  SetOutPath "$INSTDIR\python"
  File /r "${PYTHON}\*.*"
  ${If} ${Errors}
    RMDir /r "$INSTDIR\python"
    Rename "$INSTDIR\python.old" "$INSTDIR\python"
    !insertmacro Fail "The files cannot be written. Is the disk full?"
  ${EndIf}
  RMDir /r "$INSTDIR\python.old"
!ifdef IMAGE
  SetOutPath "$INSTDIR\image"
  File "/oname=boot2docker.iso" "${IMAGE}"
!endif
  SetOutPath "$INSTDIR"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "Boot2Docker"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "boot2docker-py"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" "${KILOBYTES}"
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1

  DetailPrint "Making programs, PATH and image..."
  nsExec::ExecToLog '${STEPS} finish'
  Pop $0
  ${If} $0 != 0
    !insertmacro Fail "It is not set up: see $INSTDIR\setup.log."
  ${EndIf}

  SetOutPath "$PROFILE"
  CreateDirectory "$SMPROGRAMS\Boot2Docker"
  CreateShortCut "$SMPROGRAMS\Boot2Docker\Boot2Docker Start.lnk" "$INSTDIR\bin\start.cmd"
  CreateShortCut "$SMPROGRAMS\Boot2Docker\Boot2Docker Status.lnk" "$INSTDIR\bin\status.cmd"
  CreateShortCut "$SMPROGRAMS\Boot2Docker\Uninstall.lnk" "$INSTDIR\uninstall.exe"
  CreateShortCut "$DESKTOP\Boot2Docker Start.lnk" "$INSTDIR\bin\start.cmd"
  CreateShortCut "$DESKTOP\Boot2Docker Status.lnk" "$INSTDIR\bin\status.cmd"

  SetRegView 64
  ClearErrors
  EnumRegKey $0 HKLM "SOFTWARE\Oracle\VirtualBox" 0
  ReadRegStr $1 HKLM "SOFTWARE\Oracle\VirtualBox" "InstallDir"
  SetRegView lastused
  ${If} $0$1 == ""
    MessageBox MB_YESNO|MB_ICONINFORMATION "Boot2Docker needs VirtualBox, which is not installed. \
Open https://www.virtualbox.org/wiki/Downloads now? (Windows 7 and 8: version 6.1)" /SD IDNO IDNO later
    ExecShell open "https://www.virtualbox.org/wiki/Downloads"
    later:
  ${EndIf}
SectionEnd

Section Uninstall
  ${IfNot} ${FileExists} "$INSTDIR\python\setup_steps.py"
    !insertmacro Fail "There is no Boot2Docker in $INSTDIR."
  ${EndIf}
  StrCpy $1 "undo"
  MessageBox MB_YESNOCANCEL|MB_ICONQUESTION|MB_DEFBUTTON2 "Delete your VMs too, with all images and \
containers in them? With No they stay, and a Boot2Docker that you install later finds them." \
    /SD IDNO IDNO keep IDYES delete
  SetErrorLevel 1
  Abort
delete:
  StrCpy $1 "undo-with-vms"
keep:
  nsExec::ExecToLog '${STEPS} $1'
  Pop $0
  ${If} $0 != 0
    !insertmacro Fail "It is not removed: see $INSTDIR\setup.log."
  ${EndIf}
  ClearErrors
  Rename "$INSTDIR\python" "$INSTDIR\python.old"
  ${If} ${Errors}
    !insertmacro Fail "Boot2Docker is in use. Close its windows and shells, then try again."
  ${EndIf}
  RMDir /r "$INSTDIR\python.old"
  Delete "$INSTDIR\bin\boot2docker.exe"
  Delete "$INSTDIR\bin\docker.exe"
  Delete "$INSTDIR\bin\start.cmd"
  Delete "$INSTDIR\bin\status.cmd"
  RMDir "$INSTDIR\bin"
  Delete "$INSTDIR\image\boot2docker.iso"
  RMDir "$INSTDIR\image"
  Delete "$INSTDIR\setup.log"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\Boot2Docker\Boot2Docker Start.lnk"
  Delete "$SMPROGRAMS\Boot2Docker\Boot2Docker Status.lnk"
  Delete "$SMPROGRAMS\Boot2Docker\Uninstall.lnk"
  RMDir "$SMPROGRAMS\Boot2Docker"
  Delete "$DESKTOP\Boot2Docker Start.lnk"
  Delete "$DESKTOP\Boot2Docker Status.lnk"
  DeleteRegKey HKCU "${UNINSTALL}"
SectionEnd
