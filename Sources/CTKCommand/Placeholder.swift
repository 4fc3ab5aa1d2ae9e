import CTKCore
